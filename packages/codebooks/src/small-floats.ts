import { type Grid, tableGrid } from '@compress/core';
import { E2M1, E2M3, E3M2, E4M3, E5M2 } from './minifloat.ts';

/** FP4: E2M1, its largest value at the group's absmax. */
export const fp4: Grid = tableGrid({ name: 'fp4', levels: E2M1 });

/** E2M1 with its second 0 spent on 5, between 4 and 6 (Dotzel et al., 2024: super-precision). */
export const fp4SuperPrecision: Grid = tableGrid({ name: 'fp4-sp', levels: ascending([...E2M1, 5]) });

/** E2M1 with its second 0 spent on 8, beyond 6 (Dotzel et al., 2024: super-range). */
export const fp4SuperRange: Grid = tableGrid({ name: 'fp4-sr', levels: ascending([...E2M1, 8]) });

/**
 * FP4 as bitsandbytes has it: E2M1 whose subnormal is 1/16 instead of 1/2, scaled to 12 (its kernels' decoding tree), so that 0 has
 * a neighbour on each side that is all but 0.
 */
export const fp4Bitsandbytes: Grid = tableGrid({
  name: 'fp4-bnb',
  levels: E2M1.map((x) => (Math.abs(x) === 0.5 ? Math.sign(x) / 32 : x)).map((x) => (2 * x) / 12),
});

/** FP6: E2M3, finer near its largest value. */
export const fp6E2m3: Grid = tableGrid({ name: 'fp6-e2m3', levels: E2M3 });
/** FP6: E3M2, finer near 0. */
export const fp6E3m2: Grid = tableGrid({ name: 'fp6-e3m2', levels: E3M2 });
/** FP8: E4M3. */
export const fp8E4m3: Grid = tableGrid({ name: 'fp8-e4m3', levels: E4M3, scaleType: 'f32' });
/** FP8: E5M2. */
export const fp8E5m2: Grid = tableGrid({ name: 'fp8-e5m2', levels: E5M2, scaleType: 'f32' });

function ascending(levels: readonly number[]): number[] {
  return [...levels].sort((a, b) => a - b);
}
