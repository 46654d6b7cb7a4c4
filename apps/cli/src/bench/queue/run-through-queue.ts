import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job as QueuedJob } from 'bullmq';
import { z } from 'zod';
import type { Progress } from '../../progress/progress.ts';
import { type CellResult, cellResultSchema, type Job } from '../cell.ts';
import type { Failure } from '../run-jobs.ts';
import { connectQueue, PREFIX, QUEUE } from './connect-queue.ts';
import { type QueueJob, type QueueProgress, queueId } from './queue-job.ts';

/** Between two looks at the queue. */
const LOOK_MS = 500;
/** A job whose process died, or whose folder another one still holds, is tried again so often. */
const ATTEMPTS = 3;
const RETRY_MS = 2000;
/** Seconds that results stay in the queue, for everyone who watches. */
const KEPT = 24 * 3600;

/**
 * Puts jobs into the queue, unless they are there already, and watches until all are done. Any number of processes may watch the same jobs; each
 * takes their results. What a server forgot in an outage is put in again. Throws as `connectQueue`, and `signal.reason` when aborted: the
 * jobs stay in the queue.
 */
export async function runThroughQueue(
  jobs: readonly Job[],
  p: {
    readonly url: string;
    /** The matrix's file. */
    readonly matrix: string;
    /** What the matrix's name in the queue is relative to. */
    readonly directory: string;
    readonly progress: Progress;
    readonly signal: AbortSignal;
    onResults(job: Job, results: readonly CellResult[]): Promise<void>;
  },
): Promise<Failure[]> {
  const { bullmq, connect } = await connectQueue(p.url, p.progress.log);
  const connection = connect();
  const queue = new bullmq.Queue<QueueJob>(QUEUE, { connection, prefix: PREFIX });
  // The connection tells of outages; without a listener BullMQ would do so once more.
  queue.on('error', () => {});
  const matrix = relative(p.directory, p.matrix);
  const options = { attempts: ATTEMPTS, backoff: { type: 'fixed', delay: RETRY_MS }, removeOnComplete: { age: KEPT } };
  const put = (job: Job) =>
    queue.add(`${job.model} · ${job.pipeline}`, { matrix, job }, { jobId: queueId(job), ...options });
  const failures: Failure[] = [];
  const open = new Map(jobs.map((job) => [queueId(job), job]));
  try {
    for (const [id, job] of open) {
      // What failed before is asked for again.
      const old = await queue.getJob(id);
      if ((await old?.getState()) === 'failed') await old?.remove();
      await put(job);
    }
    while (open.size > 0) {
      const working: string[] = [];
      for (const [id, job] of open) {
        p.signal.throwIfAborted();
        const queued = await queue.getJob(id);
        const state = await queued?.getState();
        if (queued === undefined || state === 'unknown') {
          await put(job);
        } else if (state === 'completed') {
          await p.onResults(job, z.array(cellResultSchema).parse(queued.returnvalue));
          open.delete(id);
        } else if (state === 'failed') {
          failures.push({ model: job.model, pipeline: job.pipeline, message: queued.failedReason });
          p.progress.log(`${queued.name}: failed: ${queued.failedReason}`);
          open.delete(id);
        } else if (state === 'active') {
          working.push(describe(queued));
        }
      }
      const share = jobs.length === 0 ? 1 : (jobs.length - open.size) / jobs.length;
      p.progress.update({
        label: 'Matrix',
        share,
        detail: working.length === 0 ? 'no worker is at work' : working.join('; '),
      });
      if (open.size > 0) await sleep(LOOK_MS, undefined, { signal: p.signal });
    }
    return failures;
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

function describe({ name, progress }: QueuedJob<QueueJob>): string {
  const told = progress as QueueProgress | number;
  return typeof told === 'number' ? name : `${name}: ${told.label} ${Math.floor(100 * told.share)} %`;
}
