import type { Bytes, Instance } from '../wasm/instance.ts';

/**
 * One kernel, as the pool divides it: `units` independent pieces (rows, heads, ...) of which any range can be run by any thread. What a
 * unit computes must not depend on the range it came in: that is why results are the same bits for every number of threads.
 */
export interface Operation<P> {
  /** Throws a `RangeError` that names the operand whose shape is wrong. */
  check(p: P): void;
  units(p: P): number;
  /** Parts begin at multiples of this many units (default 1), for instance the height of a tile. */
  granule?(p: P): number;
  /** The units cost unequal work: threads take one granule after another until none is left, instead of one even part each. */
  readonly uneven?: boolean;
  /** Arithmetic operations in all, roughly: a small total runs on the calling thread. */
  work(p: P): number;
  /** The arrays of `p` that are written. */
  writes(p: P): readonly (Bytes | undefined)[];
  /** Computes units [from, to): stages tiles of the operands into the instance's memory and copies the results back. */
  run(instance: Instance, p: P, from: number, to: number): void;
}
