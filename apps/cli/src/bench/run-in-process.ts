import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CompressError } from '@compress/core';
import type { Step } from '../progress/progress.ts';
import type { CellResult } from './cell.ts';
import type { JobMessage, JobTask } from './job-messages.ts';

/** The app itself: beside this file in what is built, above it in the sources. */
const app = fileURLToPath(
  import.meta.url.endsWith('.ts') ? new URL('../main.ts', import.meta.url) : new URL('./main.js', import.meta.url),
);

/** How many characters of what a process said before it died are shown. */
const LAST_WORDS = 2000;

export interface ProcessSettings {
  readonly signal: AbortSignal;
  onStep(step: Step): void;
  onLog(text: string): void;
}

/**
 * Does a job in a process of its own, so that its peak memory is its own and its death takes nothing with it. Throws what the job threw, as
 * `CompressError`; `job-died` if the process ended without a word; `signal.reason` when aborted.
 */
export function runInProcess(
  task: JobTask,
  { signal, onStep, onLog }: ProcessSettings,
): Promise<readonly CellResult[]> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = fork(app, ['bench', 'job'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let words = '';
    let end: (() => void) | undefined;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS);
    });
    child.on('message', (message: JobMessage) => {
      if (message.type === 'step') onStep(message.step);
      else if (message.type === 'log') onLog(message.text);
      else if (message.type === 'done') end = () => resolve(message.results);
      else end = () => reject(new CompressError(message.code, message.message));
    });
    // Its journal outlives it at any moment.
    const stop = () => child.kill('SIGKILL');
    signal.addEventListener('abort', stop, { once: true });
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      if (end !== undefined) return end();
      if (signal.aborted) return reject(signal.reason);
      const how = killedBy === null ? `with exit code ${code}` : `by ${killedBy}`;
      reject(new CompressError('job-died', `The process of this job was ended ${how}. ${words.trim()}`.trim()));
    });
    child.send(task);
  });
}
