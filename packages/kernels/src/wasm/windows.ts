import type { Bytes, Instance } from './instance.ts';

/** Bytes of a window through which long operands pass: it stays in a second-level cache. */
const WINDOW = 256 * 1024;

/** Arithmetic operations in the time that it takes to copy one element in and out. */
export const ELEMENT_WORK = 64;

/** Room behind a window for the whole vectors that cover its end. */
const SLACK = 64;

/** Takes a window for `count` elements of `size` bytes; kernels may touch the 64 bytes behind them. */
export function takeWindow(instance: Instance, count: number, size: number): number {
  return instance.take(count * size + SLACK);
}

/** Takes a window and writes the whole array to it. */
export function stage(instance: Instance, array: Bytes): number {
  const address = takeWindow(instance, array.length, array.BYTES_PER_ELEMENT);
  instance.write(address, array);
  return address;
}

/** Cuts [from, to) into pieces of at most a window, where one unit is `unitBytes`, and of a multiple of `granule` units but for the last. */
export function forEachWindow(
  from: number,
  to: number,
  unitBytes: number,
  visit: (first: number, count: number) => void,
  granule = 1,
): void {
  const step = windowUnits(to - from, unitBytes, granule);
  for (let first = from; first < to; first += step) visit(first, Math.min(step, to - first));
}

/** The most units that {@link forEachWindow} visits at once. */
export function windowUnits(units: number, unitBytes: number, granule = 1): number {
  const most = Math.ceil(units / granule) * granule;
  return Math.min(most, Math.max(1, Math.floor(WINDOW / unitBytes / granule)) * granule);
}
