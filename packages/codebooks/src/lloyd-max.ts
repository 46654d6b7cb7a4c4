import { type Grid, tableGrid } from '@compress/core';
import { normalDensity, normalFromZero, normalQuantile } from './mathematics/normal.ts';
import { solveLevels } from './solve-levels.ts';

/**
 * Lloyd-Max levels of the standard normal distribution (Max, Quantizing for minimum distortion, 1960): each is the mean of its cell, so that the
 * mean squared error is least. There is no level 0.
 */
export function lloydMaxLevels(bits: number): number[] {
  const count = 2 ** bits;
  const start = Array.from({ length: count }, (_, i) => Math.sqrt(3) * normalQuantile((i + 0.5) / count));
  return solveLevels(
    start,
    () => false,
    (i, levels) => {
      const level = levels[i];
      const low = i === 0 ? Number.NEGATIVE_INFINITY : (levels[i - 1] + level) / 2;
      const high = i === count - 1 ? Number.POSITIVE_INFINITY : (level + levels[i + 1]) / 2;
      const mass = normalFromZero(high) - normalFromZero(low);
      const byLow = i === 0 ? 0 : ((low - level) * normalDensity(low)) / 2;
      const byHigh = i === count - 1 ? 0 : ((level - high) * normalDensity(high)) / 2;
      return [level * mass - normalDensity(low) + normalDensity(high), byLow, mass + byLow + byHigh, byHigh];
    },
  );
}

/** Lloyd-Max levels on a group's absmax. Scales are best searched: the levels are made for the deviation, not for the largest weight. */
export function lloydMax(bits: number): Grid {
  return tableGrid({ name: `lloyd-max${bits}`, levels: lloydMaxLevels(bits), scales: 'mse' });
}
