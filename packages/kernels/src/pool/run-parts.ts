import type { Operation } from '../operations/operation.ts';
import type { Instance } from '../wasm/instance.ts';
import type { Division } from './messages.ts';

/** Claims and runs parts of an operation until none is left; every thread of a job does this. */
export function runParts<P>(instance: Instance, operation: Operation<P>, params: P, division: Division): void {
  const { units, part, claimed } = division;
  for (;;) {
    const from = Atomics.add(claimed, 0, 1) * part;
    if (from >= units) return;
    runUnits(instance, operation, params, from, Math.min(units, from + part));
  }
}

/** Runs units [from, to) and gives back the windows they took. */
export function runUnits<P>(instance: Instance, operation: Operation<P>, params: P, from: number, to: number): void {
  const mark = instance.mark();
  try {
    operation.run(instance, params, from, to);
  } finally {
    instance.release(mark);
  }
}
