import { once } from 'node:events';
import { CompressError } from '@compress/core';
import { type CliContext, withKernels } from '../cli-context.ts';
import type { Progress } from '../progress/progress.ts';
import { findJob } from './find-job.ts';
import type { JobMessage, JobTask } from './job-messages.ts';
import { readMatrix } from './matrix.ts';
import { runJob } from './run-job.ts';

/** The other end of {@link runInProcess}: takes one task from the parent process, does it, and tells. Without a parent there is nothing to do. */
export async function serveJob({ signal, directory, registry }: CliContext): Promise<void> {
  if (process.send === undefined) throw new CompressError('usage', '`bench job` is what `bench` starts for itself.');
  // A parent that was killed wants nothing any more; what is in the journal stays.
  process.once('disconnect', () => process.exit(1));
  const [task] = (await once(process, 'message')) as [JobTask];
  const progress: Progress = {
    update: (step) => void tell({ type: 'step', step }),
    log: (text) => void tell({ type: 'log', text }),
    clear: () => {},
  };
  try {
    const results = await withKernels({ threads: task.threads }, async (kernels) => {
      const matrix = await readMatrix(task.matrix, directory, registry);
      const job = await findJob(matrix, task.job, { numerics: kernels.numerics, note: progress.log });
      return runJob(matrix, job, { work: task.work, inputs: task.inputs, kernels, progress, signal });
    });
    await tell({ type: 'done', results });
  } catch (error) {
    const code = error instanceof CompressError ? error.code : 'internal';
    const message =
      error instanceof Error ? (error instanceof CompressError ? error.message : error.stack!) : String(error);
    await tell({ type: 'failed', code, message });
  } finally {
    process.removeAllListeners('disconnect');
    process.disconnect();
  }
}

function tell(message: JobMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}
