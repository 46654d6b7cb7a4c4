import { access, copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder, writeFileAtomic } from '../checkpoint/atomic-file.ts';
import type { Checkpoint, TensorSource } from '../checkpoint/checkpoint.ts';
import { writeCheckpoint } from '../checkpoint/write-checkpoint.ts';
import type { Inference } from '../inference/inference.ts';
import { INFERENCE_FILE } from '../inference/inference-file.ts';
import { MANIFEST_FILE, type Manifest, RUN_FILE, type RunInfo } from '../manifest/manifest.ts';
import type { CompressRequest } from './request.ts';
import { carriedFiles, hashFiles } from './source-files.ts';
import { writeConfig } from './write-config.ts';

/** Where the output is put together, and where an earlier output waits until the new one is in its place; both in the work folder. */
const STAGE = 'output';
const PREVIOUS = 'previous';
/** Bytes of a tensor in memory at one time. */
const PIECE = 16 * 2 ** 20;

/** Puts everything but manifest and run information together in the work folder. */
export async function stageOutput(p: {
  request: CompressRequest;
  work: string;
  /** The tensors of the output. */
  checkpoint: Checkpoint;
  configuration: Readonly<Record<string, unknown>> | undefined;
  /** The head has a tensor of its own that the input did not have. */
  untied: boolean;
  /** Of all sections. */
  inference: Inference | undefined;
}): Promise<Manifest['outputs']> {
  const { source, format, floatDtype, model, onEvent } = p.request;
  const folder = join(p.work, STAGE);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const { configuration = {} } = p;
  const tensors = sources(p.checkpoint);
  const weights = format.packaging
    ? await format.packaging.write({ folder, model, tensors, configuration })
    : await writeCheckpoint(folder, tensors);
  await writeConfig({ source, folder, format, configuration: p.configuration, untied: p.untied, floatDtype });
  const carried = await carriedFiles(source);
  for (const { name, as } of carried) await copyDurably(join(source, name), join(folder, as));
  const small = ['config.json', ...carried.map(({ as }) => as)];
  if (p.configuration && format.configurationFile !== undefined) small.push(format.configurationFile);
  if (p.inference) {
    await writeFileAtomic(join(folder, INFERENCE_FILE), json(p.inference));
    small.push(INFERENCE_FILE);
  }
  const hashes = new Map(Object.entries(await hashFiles(small.map((name) => join(folder, name)))));
  for (const { file, bytes, sha256 } of weights) hashes.set(file, { bytes, sha256 });
  const outputs = Object.fromEntries([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const [file, { bytes }] of Object.entries(outputs)) onEvent?.({ type: 'write', file, bytes });
  return outputs;
}

/** Adds the manifest, and moves the staged folder to its place. An earlier output goes only when the new one stands. */
export async function publishOutput(work: string, output: string, manifest: Manifest, run: RunInfo): Promise<void> {
  const stage = join(work, STAGE);
  const previous = join(work, PREVIOUS);
  await writeFileAtomic(join(stage, RUN_FILE), json(run));
  await writeFileAtomic(join(stage, MANIFEST_FILE), json(manifest));
  await rm(previous, { recursive: true, force: true });
  if (await exists(output)) await rename(output, previous);
  await rename(stage, output);
  await syncFolder(dirname(resolve(output)));
  await rm(previous, { recursive: true, force: true });
}

/** Undoes the first half of a {@link publishOutput} that was killed between its two renames. */
export async function restorePrevious(work: string, output: string): Promise<void> {
  const previous = join(work, PREVIOUS);
  if (!(await exists(output)) && (await exists(previous))) await rename(previous, output);
}

function sources(checkpoint: Checkpoint): TensorSource[] {
  return [...checkpoint.tensors.values()].map(({ name, dtype, shape, byteLength }) => ({
    name,
    dtype,
    shape,
    byteLength,
    async *bytes() {
      for (let start = 0; start < byteLength; start += PIECE)
        yield checkpoint.read(name, { start, end: Math.min(start + PIECE, byteLength) });
    },
  }));
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const handle = await open(to, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
