import type { Bytes, Instance } from '../wasm/instance.ts';

/**
 * How threads take units, in the words of OpenMP. `guided`: smaller and smaller parts, so that all end together; `static`: one part each, where every
 * part has a price of its own; `dynamic`: one granule after another, where units cost unequal work.
 */
export type Schedule = 'guided' | 'static' | 'dynamic';

/**
 * One kernel, as the pool divides it: `units` independent pieces (rows, heads, ...) of which any range can be run by any thread. What a
 * unit computes must not depend on the range it came in: that is why results are the same bits for every number of threads.
 */
export interface Operation<P, Prepared = unknown> {
  /** Throws a `RangeError` that names the operand whose shape is wrong. */
  check(p: P): void;
  units(p: P): number;
  /** Parts begin at multiples of this many units (default 1), for instance the height of a tile. */
  granule?(p: P): number;
  /** Default: `guided`. */
  readonly schedule?: Schedule;
  /** Arithmetic operations in all, roughly: a small total runs on the calling thread. */
  work(p: P): number;
  /** The arrays of `p` that are written. */
  writes(p: P): readonly (Bytes | undefined)[];
  /** What every thread does once for all of its parts, such as packing an operand that all of them read. */
  prepare?(instance: Instance, p: P): Prepared;
  /** Computes units [from, to): stages tiles of the operands into the instance's memory and copies the results back. */
  run(instance: Instance, p: P, from: number, to: number, prepared: Prepared): void;
}
