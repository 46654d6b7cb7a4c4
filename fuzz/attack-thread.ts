import { parentPort, workerData } from 'node:worker_threads';
import { attack } from './attack.ts';
import { createMeter } from './meter.ts';
import { TARGETS } from './targets/index.ts';

/** What a thread is started with; `ticks[0]` counts the cases that it began. */
export interface AttackOrder {
  readonly target: string;
  readonly runs: number;
  readonly seed: number;
  readonly work: string;
  readonly ticks: Int32Array;
}

const { target, runs, seed, work, ticks } = workerData as AttackOrder;
const made = await TARGETS.find(({ name }) => name === target)!.make();
const outcomes = await attack({
  target: made,
  runs,
  seed,
  work,
  meter: createMeter(),
  tick: () => void Atomics.add(ticks, 0, 1),
});
parentPort!.postMessage(outcomes);
