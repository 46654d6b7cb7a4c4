import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  checkedWindows,
  compareWithReference,
  type Divergence,
  modelDigest,
  openReference,
  type Perplexity,
  perplexityOf,
  type Reference,
  type TextIdentity,
  textIdentity,
  writeReference,
} from '@compress/evaluate';
import { type MeasureRequest, showShare, windowOptions } from './measure-perplexity.ts';
import { type OpenedModel, openModel } from './open-model.ts';

/** What a model is held against. */
export interface ReferenceRequest {
  /** A folder, a hub id, or the file that an earlier measure kept. */
  readonly reference: string;
  /** Where the reference's distributions are kept for other models; used if it is there already. */
  readonly keep?: string;
  readonly directory: string;
}

/** A model's own measure and its distance from the reference. */
export interface MeasuredDivergence {
  readonly perplexity: Perplexity;
  readonly divergence: Divergence;
  /** How the reference is called. */
  readonly reference: string;
}

/** Perplexity and divergence in one pass of the model, after one of the reference where no file has it. Throws as `writeReference`, `openReference`, `compareWithReference`. */
export async function measureDivergence(request: MeasureRequest & ReferenceRequest): Promise<MeasuredDivergence> {
  const { opened, text, entry, kernels, progress, label, signal, onScores } = request;
  const { model, checkpoint } = opened;
  const options = windowOptions(entry, opened);
  const windows = checkedWindows({ model, ...text, ...options });
  const temporary = await mkdtemp(join(tmpdir(), 'compress-reference-'));
  try {
    const reference = await findReference(request, textIdentity(windows, options), temporary);
    try {
      const started = performance.now();
      const onProgress = showShare(progress, label);
      const asked = { model, checkpoint, kernels, ...text, ...options, signal, onProgress, reference };
      const { divergence, scores } = await compareWithReference(asked);
      const seconds = (performance.now() - started) / 1000;
      await onScores?.(scores);
      const perplexity = perplexityOf(scores, { ...options, ...text, windows: windows.length, seconds });
      return { perplexity, divergence, reference: reference.model.name };
    } finally {
      await reference.checkpoint.close();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What {@link keepReference} runs. */
type KeepRequest = Omit<MeasureRequest, 'opened' | 'onScores'> & {
  readonly opened: OpenedModel;
  /** How people call the model. */
  readonly name: string;
  /** Absolute. */
  readonly file: string;
};

/** Keeps in a file what other models can be held against, and measures the model itself on the way. Throws as `writeReference`. */
export async function keepReference(request: KeepRequest): Promise<Perplexity> {
  const { opened, name, file, text, entry, kernels, progress, label, signal } = request;
  const { model, checkpoint, config } = opened;
  const options = windowOptions(entry, opened);
  const reference = { name, digest: await modelDigest(checkpoint, config) };
  const started = performance.now();
  const onProgress = showShare(progress, label);
  const asked = { model, checkpoint, kernels, ...text, ...options, signal, onProgress };
  const scores = await writeReference({ ...asked, file, reference });
  const seconds = (performance.now() - started) / 1000;
  const windows = checkedWindows({ model, ...text, ...options }).length;
  return perplexityOf(scores, { ...options, ...text, windows, seconds });
}

async function findReference(
  request: MeasureRequest & ReferenceRequest,
  text: TextIdentity,
  temporary: string,
): Promise<Reference> {
  const { reference: name, keep, directory, progress } = request;
  const path = resolve(directory, name);
  if (await isFile(path)) return openReference(path, { text });
  const opened = await openModel(name, { directory, note: progress.log });
  try {
    const { checkpoint, config } = opened;
    const file = keep === undefined ? join(temporary, 'reference.safetensors') : resolve(directory, keep);
    if (!(await isFile(file))) await keepReference({ ...request, opened, name, file, label: 'Reference' });
    return await openReference(file, { text, digest: await modelDigest(checkpoint, config) });
  } finally {
    await opened.checkpoint.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
