import { resolve } from 'node:path';
import { CompressError } from '@compress/core';
import type { Job as QueuedJob } from 'bullmq';
import type { CliContext } from '../../cli-context.ts';
import { nameOfCell } from '../cell.ts';
import { describeCell } from '../describe-results.ts';
import { readMatrix } from '../matrix.ts';
import { workOf } from '../results-file.ts';
import { runInProcess } from '../run-in-process.ts';
import { withInputsFolder } from '../run-jobs.ts';
import { connectQueue, PREFIX, QUEUE } from './connect-queue.ts';
import type { QueueJob, QueueProgress } from './queue-job.ts';

/** How often a job may lose its worker before it is given up: it may be what kills them. */
const DEATHS = 3;
/** A server need not hear of every step. */
const PROGRESS_MS = 500;
/** Errors after which another try may end better. */
const PASSING = ['job-died', 'output-locked'];

/**
 * Takes jobs from a queue, one at a time, until the signal. A job is held by a lease that is renewed while it is worked on: when this process or
 * the server dies, the job goes back after `lease` seconds. On the signal, the job under way goes back at once. Throws `inputs-differ` when
 * what lies here is not what a job was made of, after handing it back, and as `connectQueue`.
 */
export async function runWorker(
  url: string,
  {
    directory,
    registry,
    progress,
    signal,
    threads,
    lease,
  }: Pick<CliContext, 'directory' | 'registry' | 'progress' | 'signal'> & {
    readonly threads: number;
    /** Seconds. */
    readonly lease: number;
  },
): Promise<void> {
  const { bullmq, connect } = await connectQueue(url, progress.log);
  const connection = connect();
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);

  const work = async (inputs: string, queued: QueuedJob<QueueJob>, token?: string) => {
    const { matrix: name, job } = queued.data;
    progress.log(`${queued.name}: begun`);
    let told = 0;
    try {
      const matrix = await readMatrix(resolve(directory, name), directory, registry);
      const task = { matrix: matrix.file, job, work: workOf(matrix.results), inputs, threads };
      const results = await runInProcess(task, {
        signal: stop,
        onLog: () => {},
        onStep: ({ label, share }) => {
          if (performance.now() - told < PROGRESS_MS) return;
          told = performance.now();
          // A server that is away hears the next one.
          queued.updateProgress({ label, share } satisfies QueueProgress).catch(() => {});
        },
      });
      for (const result of results) progress.log(`${nameOfCell(result)}: ${describeCell(result)}`);
      return results;
    } catch (error) {
      const foreign = error instanceof CompressError && error.code === 'inputs-differ';
      if (foreign) ending.abort(error);
      if (stop.aborted) {
        await queued.moveToWait(token);
        throw new bullmq.WaitingError();
      }
      const message = error instanceof Error ? error.message : String(error);
      progress.log(`${queued.name}: failed: ${message}`);
      if (error instanceof CompressError && PASSING.includes(error.code)) throw error;
      throw new bullmq.UnrecoverableError(message);
    }
  };

  await withInputsFolder(async (inputs) => {
    const worker = new bullmq.Worker<QueueJob>(QUEUE, (queued, token) => work(inputs, queued, token), {
      connection,
      prefix: PREFIX,
      lockDuration: 1000 * lease,
      stalledInterval: 1000 * lease,
      maxStalledCount: DEATHS,
    });
    worker.on('error', (error) => progress.log(`The queue says: ${error.message}`));
    progress.log(`Waiting for jobs from ${url}. Ctrl-C ends.`);
    try {
      await new Promise<void>((done) => stop.addEventListener('abort', () => done(), { once: true }));
    } finally {
      await worker.close();
      connection.disconnect();
    }
  });
  if (ending.signal.aborted) throw ending.signal.reason;
}
