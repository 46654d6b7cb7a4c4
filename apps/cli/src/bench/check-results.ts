import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompressError, differences, randomStream } from '@compress/core';
import { createKernels } from '@compress/kernels';
import type { Progress } from '../progress/progress.ts';
import { type CellResult, type Job, nameOfCell } from './cell.ts';
import { expandMatrix } from './expand-matrix.ts';
import type { Matrix } from './matrix.ts';
import { outcomeOf, readResults } from './results-file.ts';
import { type Failure, runJobs } from './run-jobs.ts';

/** What doing committed cells again found. */
export interface Check {
  /** Cells that were done again. */
  readonly cells: number;
  /** Those that did not come out the same, as whole sentences. */
  readonly differences: readonly string[];
  readonly failures: readonly Failure[];
}

export interface CheckSettings {
  readonly results: string;
  /** How many jobs are done again; absent: all. */
  readonly sample?: number;
  readonly seed: number;
  readonly workers: number;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Does cells of a matrix again that are in its results, and holds digests and metrics against what is there; nothing is written. Results of
 * other versions are held against too: that they still come out is what is asked. Throws `CompressError` `results-stale` where a cell is
 * missing or was made of other inputs.
 */
export async function checkResults(matrix: Matrix, settings: CheckSettings): Promise<Check> {
  const { results, progress } = settings;
  const kernels = await createKernels({ threads: 1 });
  await kernels.close();
  const all = await expandMatrix(matrix, { numerics: kernels.numerics, note: progress.log });
  const committed = new Map((await readResults(results)).map((result) => [nameOfCell(result), result]));
  const jobs = settings.sample === undefined ? all : pick(all, settings.sample, settings.seed);
  for (const cell of jobs.flatMap(({ cells }) => cells)) requireCurrent(cell, committed.get(nameOfCell(cell)), results);
  const found: string[] = [];
  let cells = 0;
  // A place of its own: what an earlier run left would be taken as it is.
  const work = await mkdtemp(join(tmpdir(), 'compress-bench-check-'));
  const failures = await runJobs(jobs, {
    ...settings,
    matrix: matrix.file,
    work,
    onResults: async (_job, done) => {
      for (const result of done) {
        const before = committed.get(nameOfCell(result))!;
        cells++;
        const same = before.digest === result.digest;
        progress.log(`${nameOfCell(result)}: ${same ? 'the same' : 'DIFFERENT'}`);
        if (!same)
          found.push(`${nameOfCell(result)}: ${differences(outcomeOf(before), outcomeOf(result)).join('; ')}.`);
      }
    },
  }).finally(() => rm(work, { recursive: true, force: true }));
  return { cells, differences: found, failures };
}

function requireCurrent(cell: Job['cells'][number], committed: CellResult | undefined, file: string): void {
  if (committed === undefined) {
    throw new CompressError('results-stale', `${nameOfCell(cell)} is not in the results; \`compress bench\` adds it.`, {
      file,
    });
  }
  const { versions: _was, ...was } = committed.inputs;
  const { versions: _is, ...is } = cell.inputs;
  const changed = differences(was, is);
  if (changed.length > 0) {
    throw new CompressError('results-stale', `${nameOfCell(cell)} was made of other inputs: ${changed.join('; ')}.`, {
      file,
    });
  }
}

/** Different jobs, the same for the same seed, in the order of the matrix. */
function pick(jobs: readonly Job[], count: number, seed: number): Job[] {
  const random = randomStream('bench-check', seed);
  const left = [...jobs.keys()];
  const chosen = new Set<number>();
  while (chosen.size < count && left.length > 0) chosen.add(left.splice(random.integer(left.length), 1)[0]);
  return jobs.filter((_, index) => chosen.has(index));
}
