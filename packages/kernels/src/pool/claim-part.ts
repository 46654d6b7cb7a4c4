import type { Operation } from '../operations/operation.ts';
import type { Division } from './messages.ts';

/** Parts of at least this share of a thread's even one, so that few are taken. */
const SMALLEST = 1 / 16;

/** Cuts an operation's units for so many threads; nothing is taken yet. */
export function divide<P>(operation: Operation<P>, params: P, threads: number): Division {
  return {
    units: operation.units(params),
    granule: operation.granule?.(params) ?? 1,
    schedule: operation.schedule ?? 'guided',
    threads,
    claimed: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** Takes the next units [from, to) that no thread has taken; undefined when all are. */
export function claimPart({ units, granule, schedule, threads, claimed }: Division): [number, number] | undefined {
  const all = Math.ceil(units / granule);
  const even = Math.ceil(all / threads);
  for (;;) {
    const from = Atomics.load(claimed, 0);
    if (from >= all) return undefined;
    // Half of an even share of what is left: threads that began or went on late still end with the others.
    const guided = Math.max(Math.ceil((all - from) / threads / 2), Math.ceil(even * SMALLEST));
    const to = Math.min(all, from + { guided, static: even, dynamic: 1 }[schedule]);
    if (Atomics.compareExchange(claimed, 0, from, to) === from) return [from * granule, Math.min(units, to * granule)];
  }
}
