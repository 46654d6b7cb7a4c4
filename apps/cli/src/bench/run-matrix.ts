import { createKernels } from '@compress/kernels';
import type { Progress } from '../progress/progress.ts';
import { prepareRun } from '../run/prepare-run.ts';
import { type CellResult, type Job, nameOfCell } from './cell.ts';
import { describeCell } from './describe-results.ts';
import { expandMatrix } from './expand-matrix.ts';
import { jobRecipe } from './job-recipe.ts';
import type { Matrix } from './matrix.ts';
import { INPUT } from './matrix-schema.ts';
import { runThroughQueue } from './queue/run-through-queue.ts';
import { addResults, readResults, removeWork, workOf } from './results-file.ts';
import { type Failure, runJobs } from './run-jobs.ts';
import { type Shard, shardOf } from './shard.ts';

export interface MatrixSettings {
  /** Where results are and go. */
  readonly results: string;
  readonly workers: number;
  /** Of each worker. */
  readonly threads: number;
  readonly shard?: Shard;
  /** Where workers take jobs from, in place of processes of our own. */
  readonly queue?: { readonly url: string; readonly directory: string };
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface MatrixOutcome {
  /** All cells of the matrix, or of its part, that are known now, in the order of the matrix. */
  readonly cells: readonly CellResult[];
  /** How many of them were done in this run. */
  readonly done: number;
  readonly failures: readonly Failure[];
}

/**
 * Fills a matrix: finds what is missing, plans all of it from headers, and does it. What is done is in the results at once, so a run that
 * was ended or killed goes on where it stood. Throws what the plan of any job throws before anything is done.
 */
export async function runMatrix(matrix: Matrix, settings: MatrixSettings): Promise<MatrixOutcome> {
  const { results, progress, shard, queue } = settings;
  const work = workOf(results);
  const kernels = await createKernels({ threads: 1 });
  const { numerics } = kernels;
  let jobs: Job[];
  let missing: Job[];
  try {
    const all = await expandMatrix(matrix, { numerics, note: progress.log });
    jobs = shard === undefined ? all : shardOf(all, shard);
    const known = new Set((await readResults(results)).map(({ key }) => key));
    missing = jobs.flatMap((job) => {
      const cells = job.cells.filter(({ key }) => !known.has(key));
      return cells.length === 0 ? [] : [{ ...job, cells }];
    });
    for (const job of missing.filter(({ pipeline }) => pipeline !== INPUT)) {
      const { opened } = await prepareRun(jobRecipe(matrix, job, work), kernels, progress.log);
      await opened.checkpoint.close();
    }
  } finally {
    await kernels.close();
  }
  const total = jobs.reduce((sum, { cells }) => sum + cells.length, 0);
  const open = missing.reduce((sum, { cells }) => sum + cells.length, 0);
  progress.log(`${total} cells, ${total - open} known, ${open} to do.`);
  const request = {
    ...settings,
    matrix: matrix.file,
    onResults: async (_job: Job, added: readonly CellResult[]) => {
      await addResults(results, added);
      for (const result of added) progress.log(`${nameOfCell(result)}: ${describeCell(result)}`);
    },
  };
  const failures =
    queue === undefined
      ? await runJobs(missing, { ...request, work })
      : await runThroughQueue(missing, { ...request, ...queue });
  await removeWork(results);
  const byKey = new Map((await readResults(results)).map((result) => [result.key, result]));
  const cells = jobs.flatMap((job) => job.cells.flatMap(({ key }) => byKey.get(key) ?? []));
  return { cells, done: cells.length - (total - open), failures };
}
