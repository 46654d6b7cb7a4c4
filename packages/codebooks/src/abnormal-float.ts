import { type Grid, power, tableGrid } from '@compress/core';
import { normalDensity, normalFromZero, normalQuantile } from './mathematics/normal.ts';
import { solveLevels } from './solve-levels.ts';

/** Where the cells beside the level 0 end: see {@link abnormalFloatLevels}. */
export type AbnormalFloatRule = 'published' | 'optimal';

/**
 * AF: 2^bits levels of least expected absolute error for normal weights divided by the absmax of their block (Yoshida, NF4 isn't information theoretically
 * optimal, 2023); -1, 0 and 1 are kept. A level is the median of its cell under the distribution of weights that are not the
 * largest of a block. `published`: the cells of the levels next to 0 begin at 0, as in the author's generator and the table in circulation; `optimal`:
 * they begin half way, as weights are rounded, which gives less error.
 */
export function abnormalFloatLevels(bits: number, blockSize: number, rule: AbnormalFloatRule): number[] {
  const { probability, density } = normalizedByMaximum(blockSize);
  const zero = 2 ** (bits - 1) - 1;
  const last = 2 ** bits - 1;
  // Newton's method needs a start near the weights: where blocks are large, few of them are near -1 and 1.
  const reach = normalQuantile(1 - 1 / (2 * blockSize + 2)) / Math.SQRT2;
  const magnitude = (i: number, count: number) =>
    i === 0 || i === count ? i / count : Math.min(i / count, normalQuantile((1 + i / count) / 2) / reach);
  const start = Array.from({ length: last + 1 }, (_, i) =>
    i < zero ? -magnitude(zero - i, zero) : magnitude(i - zero, last - zero),
  );
  const edge = (i: number, levels: readonly number[]) =>
    rule === 'published' && (i === zero || i + 1 === zero) ? 0 : (levels[i] + levels[i + 1]) / 2;
  return solveLevels(
    start,
    (i) => i === 0 || i === zero || i === last,
    (i, levels) => {
      const [low, high] = [edge(i - 1, levels), edge(i, levels)];
      const byLow = low === 0 ? 0 : -density(low) / 2;
      const byHigh = high === 0 ? 0 : -density(high) / 2;
      const value = 2 * probability(levels[i]) - probability(low) - probability(high);
      return [value, byLow, 2 * density(levels[i]) + byLow + byHigh, byHigh];
    },
  );
}

/** AF levels for the group size of the recipe, whatever it is. */
export function abnormalFloat(bits: number, rule: AbnormalFloatRule = 'published'): Grid {
  const tables = new Map<number, Float32Array>();
  const levels = (blockSize: number): Float32Array => {
    const known = tables.get(blockSize) ?? Float32Array.from(abnormalFloatLevels(bits, blockSize, rule));
    tables.set(blockSize, known);
    return known;
  };
  const name = `af${bits}${rule === 'optimal' ? '-l1' : ''}`;
  return {
    ...tableGrid({ name, levels: [...levels(USUAL_BLOCK)] }),
    learn: ({ groupSize }) => ({ kind: 'table', levels: levels(groupSize) }),
  };
}

/** What the table in circulation is made for. */
const USUAL_BLOCK = 64;

/** Steps and end of the integral over the maximum; its integrand vanishes at both ends with all that it does, so the trapezoidal rule is exact to f64. */
const STEP = 1 / 8;
const END = 9;

/**
 * The distribution on (-1, 1) of x = w / m, where m is the largest magnitude of `blockSize` standard normal weights and w another weight of the block: given m,
 * w is a normal variable cut off at -m and m.
 */
function normalizedByMaximum(blockSize: number) {
  const nodes: { readonly m: number; readonly share: number }[] = [];
  let total = 0;
  for (let m = STEP; m < END; m += STEP) {
    const inside = 2 * normalFromZero(m);
    const weight = power(inside, blockSize - 1) * normalDensity(m);
    total += weight;
    nodes.push({ m, share: weight / inside });
  }
  return {
    /** P(0 < X < x), odd. */
    probability: (x: number) => nodes.reduce((sum, { m, share }) => sum + share * normalFromZero(x * m), 0) / total,
    density: (x: number) => nodes.reduce((sum, { m, share }) => sum + share * m * normalDensity(x * m), 0) / total,
  };
}
