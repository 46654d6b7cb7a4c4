import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Outcomes } from './attack.ts';
import type { AttackOrder } from './attack-thread.ts';

/** A case that takes this long will not end: the slowest that does takes some hundredths of a second, on a busy machine some seconds. */
const HANG_SECONDS = 120;
/** Megabytes of JavaScript objects that a thread may hold; the files of a case have some kilobytes. */
const HEAP = 512;

/**
 * Attacks one reader on a thread of its own, so that a case without end and one that eats the memory are found and told like any other. Throws
 * with the seed, and with the folder in which the case under way was left where that did not end or took all memory.
 */
export async function fuzz(p: {
  readonly target: string;
  readonly runs: number;
  readonly seed: number;
}): Promise<Outcomes> {
  const work = await mkdtemp(join(tmpdir(), `compress-fuzz-${p.target}-`));
  const ticks = new Int32Array(new SharedArrayBuffer(4));
  const order: AttackOrder = { ...p, work, ticks };
  const thread = new Worker(new URL('./attack-thread.ts', import.meta.url), {
    workerData: order,
    execArgv: ['--conditions=@compress/source'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP },
    // Libraries write a line about some files that they cannot read: a hundred thousand of them would bury what is told here.
    stdout: true,
    stderr: true,
  });
  thread.stdout.resume();
  thread.stderr.resume();
  const outcomes = await new Promise<Outcomes>((resolve, reject) => {
    const watch = watchForHang(ticks, () => {
      reject(new Error(`${told(p, ticks)} did not end within ${HANG_SECONDS} s; its folder is below ${work}.`));
      void thread.terminate();
    });
    thread.on('message', resolve);
    thread.on('error', (cause: NodeJS.ErrnoException) => {
      // fast-check tells what it caught; a thread without memory is not there to tell anything.
      const left = cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? `; its folder is below ${work}` : '';
      reject(new Error(`${told(p, ticks)} failed: ${cause.message}${left}`, { cause }));
    });
    thread.on('exit', () => {
      clearInterval(watch);
      reject(new Error(`${told(p, ticks)} ended its thread.`));
    });
  });
  await rm(work, { recursive: true });
  return outcomes;
}

function told({ target, seed }: { readonly target: string; readonly seed: number }, ticks: Int32Array): string {
  return `${target}: case ${Atomics.load(ticks, 0)} of seed ${seed}`;
}

function watchForHang(ticks: Int32Array, onHang: () => void): NodeJS.Timeout {
  let last = 0;
  let since = performance.now();
  return setInterval(() => {
    const now = Atomics.load(ticks, 0);
    // Until the first case the thread loads what it needs.
    if (now !== last || now === 0) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > HANG_SECONDS * 1000) onHang();
  }, 1000);
}
