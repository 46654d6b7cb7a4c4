import { expect } from 'vitest';

/** The gap between 1 and the next f32 below, 2^-24: the largest relative error of one rounding. */
export const ULP = 2 ** -24;

/**
 * Every element within `relative` of the expected one, or of `floor` (of element i) where that is larger; NaN where NaN is expected, and infinities exactly.
 * A message names the worst element.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative: number,
  floor: number | ((i: number) => number) = 0,
): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const least = typeof floor === 'number' ? floor : floor(i);
    const allowed = Math.max(relative * Math.max(Math.abs(e), least), 2 ** -149);
    if (!(Math.abs(a - e) <= allowed)) expect.fail(`[${i}] is ${a}, expected ${e} within ${allowed}`);
  }
}
