import { readFile, rm } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { CompressError, type Manifest, RUN_FILE, type RunInfo, verifyFolder } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { type OpenedModel, openModel } from '../model/open-model.ts';
import type { Progress } from '../progress/progress.ts';
import { prepareRun } from '../run/prepare-run.ts';
import { compressPrepared } from '../run/run-recipe.ts';
import { createTokenize, type Tokenize } from '../text/tokenize.ts';
import { digestOf } from './canonical-json.ts';
import type { Cell, CellOutcome, CellResult, Job } from './cell.ts';
import { jobRecipe } from './job-recipe.ts';
import type { Matrix } from './matrix.ts';
import { INPUT } from './matrix-schema.ts';
import { measureOf } from './measures.ts';

export interface JobSettings {
  /** Folder for what is compressed and not yet measured. */
  readonly work: string;
  /** As a {@link JobTask} has it. */
  readonly inputs: string;
  readonly kernels: Kernels;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What compressing left, in memory and on disk. */
interface Compressed {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly run: RunInfo;
}

/**
 * Does the cells of one job: compresses the model, measures the output, deletes it. After a kill the same job goes on: from the journal of
 * a compression, or with an output that waits whole.
 */
export async function runJob(matrix: Matrix, job: Job, settings: JobSettings): Promise<CellResult[]> {
  const { directory } = matrix;
  const machine = describeMachine(settings.kernels);
  const tokenize = createTokenize();
  const open = (name: string) => openModel(name, { directory, note: settings.progress.log });
  const compressed = job.pipeline === INPUT ? undefined : await compressJob(matrix, job, settings, tokenize);
  const input = await open(matrix.models.get(job.model)!);
  try {
    const opened = compressed === undefined ? input : await open(compressed.folder);
    const results: CellResult[] = [];
    try {
      for (const cell of job.cells) {
        const began = performance.now();
        const { measure, options } = measureOf(matrix.evaluations.get(cell.evaluation)!);
        const { model, evaluation } = cell.inputs;
        const ofInput = join(settings.inputs, digestOf({ model, evaluation }));
        const metrics = await measure.measure({ options, opened, input, ofInput, directory, tokenize, ...settings });
        const seconds = (performance.now() - began) / 1000;
        results.push(resultOf({ cell, metrics, input, compressed, seconds, machine }));
      }
    } finally {
      if (opened !== input) await opened.checkpoint.close();
    }
    if (compressed !== undefined) await rm(compressed.folder, { recursive: true });
    return results;
  } finally {
    await input.checkpoint.close();
  }
}

async function compressJob(matrix: Matrix, job: Job, settings: JobSettings, tokenize: Tokenize): Promise<Compressed> {
  const recipe = jobRecipe(matrix, job, settings.work);
  const waiting = await finished(recipe.output);
  if (waiting !== undefined) return waiting;
  const prepared = await prepareRun(recipe, settings.kernels, settings.progress.log);
  try {
    const { manifest, run } = await compressPrepared(prepared, { ...settings, tokenize, onEvent: () => {} });
    return { folder: recipe.output, manifest, run };
  } finally {
    await prepared.opened.checkpoint.close();
  }
}

/** An output that an earlier process finished and did not come to measure, if it is as its manifest says. */
async function finished(folder: string): Promise<Compressed | undefined> {
  try {
    const { manifest, mismatches } = await verifyFolder(folder);
    if (mismatches.length > 0) return undefined;
    return { folder, manifest, run: JSON.parse(await readFile(join(folder, RUN_FILE), 'utf8')) as RunInfo };
  } catch (error) {
    if (error instanceof CompressError && error.code === 'manifest-missing') return undefined;
    throw error;
  }
}

function resultOf(p: {
  readonly cell: Cell;
  readonly metrics: CellOutcome['metrics'];
  readonly input: OpenedModel;
  readonly compressed: Compressed | undefined;
  readonly seconds: number;
  readonly machine: CellResult['machine'];
}): CellResult {
  const { cell, compressed } = p;
  const totals = compressed?.manifest.totals;
  const inputBytes = [...p.input.checkpoint.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const outcome: CellOutcome = {
    metrics: p.metrics,
    inputBytes,
    bytes: totals?.bytesAfter ?? inputBytes,
    bitsPerWeight: totals === undefined || totals.touched === 0 ? null : totals.bitsPerWeight,
    warnings: compressed?.manifest.warnings.length ?? 0,
    outputs: Object.fromEntries(
      Object.entries(compressed?.manifest.outputs ?? {}).map(([file, { sha256 }]) => [file, sha256]),
    ),
    ...figuresOf(compressed?.manifest.layers ?? []),
  };
  return {
    ...cell,
    ...outcome,
    digest: digestOf(outcome),
    seconds: {
      compress: compressed ? secondsOf(compressed.run) : 0,
      evaluate: p.seconds,
    },
    memory: { compress: compressed?.run.peakMemory ?? null, process: process.resourceUsage().maxRSS * 1024 },
    machine: p.machine,
    finished: new Date().toISOString(),
  };
}

/** Whatever process of several did a section. */
function secondsOf({ survey, sections }: RunInfo): number {
  return sections.reduce((sum, { seconds }) => sum + seconds, survey.seconds);
}

/** Of a layer that several steps treated, the last word on each figure. */
function figuresOf(entries: Manifest['layers']): Pick<CellOutcome, 'layers' | 'figures'> {
  const byLayer = new Map<string, Readonly<Record<string, number>>>();
  for (const { layer, figures } of entries) byLayer.set(layer, { ...byLayer.get(layer), ...figures });
  const names = new Set([...byLayer.values()].flatMap((figures) => Object.keys(figures)));
  const column = (name: string) => [...byLayer.values()].map((figures) => figures[name] ?? null);
  return { layers: [...byLayer.keys()], figures: Object.fromEntries([...names].map((name) => [name, column(name)])) };
}

function describeMachine({ threads }: Kernels): CellResult['machine'] {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    threads,
    load: loadavg()[0],
  };
}
