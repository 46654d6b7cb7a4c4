import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../progress/progress.ts';
import type { CellResult, Job } from './cell.ts';
import { runInProcess } from './run-in-process.ts';

/** A job that could not be done, and why. */
export interface Failure {
  readonly model: string;
  readonly pipeline: string;
  readonly message: string;
}

/** How jobs are done. */
export interface JobsRequest {
  readonly matrix: string;
  readonly work: string;
  readonly workers: number;
  /** Of each worker. */
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  onResults(job: Job, results: readonly CellResult[]): Promise<void>;
}

/**
 * Does jobs in order, `workers` of them at a time, each in a process of its own. A failure does not stop the others. `onResults` has a
 * job's cells in safety before the next job of that worker begins. Throws `signal.reason` when aborted.
 */
export async function runJobs(jobs: readonly Job[], p: JobsRequest): Promise<Failure[]> {
  return withInputsFolder((inputs) => runAll(jobs, { ...p, inputs }));
}

/** A folder for what jobs find out about inputs, for the time of some work. */
export async function withInputsFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-bench-inputs-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll(jobs: readonly Job[], p: JobsRequest & { readonly inputs: string }): Promise<Failure[]> {
  const failures: Failure[] = [];
  const waiting = jobs.values();
  let done = 0;
  const worker = async () => {
    for (const job of waiting) {
      const name = `${job.model} · ${job.pipeline}`;
      const show = (detail: string) =>
        p.progress.update({ label: 'Matrix', share: done / jobs.length, detail: `${name}: ${detail}` });
      try {
        const results = await runInProcess(
          { matrix: p.matrix, job, work: p.work, inputs: p.inputs, threads: p.threads },
          {
            signal: p.signal,
            onStep: ({ label, share }) => show(`${label} ${Math.floor(100 * share)} %`),
            onLog: (text) => {
              // How many there were is in the results.
              if (!text.startsWith('warning: ')) p.progress.log(`${name}: ${text}`);
            },
          },
        );
        await p.onResults(job, results);
      } catch (error) {
        if (p.signal.aborted) throw error;
        const message = error instanceof Error ? error.message : String(error);
        failures.push({ model: job.model, pipeline: job.pipeline, message });
        p.progress.log(`${name}: failed: ${message}`);
      }
      done++;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: p.workers }, worker));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return failures;
}
