import type { Operation } from '../operations/operation.ts';
import type { Instance } from '../wasm/instance.ts';
import { claimPart } from './claim-part.ts';
import type { Division } from './messages.ts';

/** Claims and runs parts of an operation until none is left; every thread of a job does this. */
export function runParts<P>(instance: Instance, operation: Operation<P>, params: P, division: Division): void {
  runClaimed(instance, operation, params, () => claimPart(division));
}

/** Runs all units on the calling thread. */
export function runWhole<P>(instance: Instance, operation: Operation<P>, params: P): void {
  let next: [number, number] | undefined = [0, operation.units(params)];
  runClaimed(instance, operation, params, () => {
    const part = next;
    next = undefined;
    return part;
  });
}

/** Gives back the windows that each part took, and at the end those of the preparation. */
function runClaimed<P>(
  instance: Instance,
  operation: Operation<P>,
  params: P,
  claim: () => [number, number] | undefined,
): void {
  const start = instance.mark();
  try {
    let part = claim();
    const prepared = part && operation.prepare?.(instance, params);
    const mark = instance.mark();
    for (; part; part = claim()) {
      operation.run(instance, params, part[0], part[1], prepared);
      instance.release(mark);
    }
  } finally {
    instance.release(start);
  }
}
