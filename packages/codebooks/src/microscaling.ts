import { type Grid, tableGrid } from '@compress/core';
import { E2M1, E2M3, E3M2, E4M3, E5M2 } from './minifloat.ts';

/**
 * The MX formats (OCP Microscaling Formats 1.0): small floats times a power of two, which in the specification 32 weights share: use `groupSize: 32`. The
 * power is 2^(floor(log2 absmax) - floor(log2 of the largest level)), one more where absmax has a significand of 7/4 or above, as
 * compressed-tensors and torchao choose it: 7/4 of the largest power of two among the levels is what absmax is mapped to at most.
 */
export function microscaling(name: string, levels: readonly number[]): Grid {
  const largest = levels[levels.length - 1];
  return tableGrid({ name, levels, scaleType: 'e8m0', reach: 1.75 * 2 ** Math.floor(Math.log2(largest)) });
}

/** MXFP4: E2M1. */
export const mxfp4: Grid = microscaling('mxfp4', E2M1);
/** MXFP6 of the finer kind: E2M3. */
export const mxfp6E2m3: Grid = microscaling('mxfp6-e2m3', E2M3);
/** MXFP6 of the wider kind: E3M2. */
export const mxfp6E3m2: Grid = microscaling('mxfp6-e3m2', E3M2);
/** MXFP8 of the finer kind: E4M3. */
export const mxfp8E4m3: Grid = microscaling('mxfp8-e4m3', E4M3);
/** MXFP8 of the wider kind: E5M2. */
export const mxfp8E5m2: Grid = microscaling('mxfp8-e5m2', E5M2);

/**
 * NVFP4: E2M1 times an E4M3 scale, which in NVIDIA's hardware 16 weights share, times one f32 of the whole weight: use `groupSize: 16`. Absmax / 6 of
 * the largest group becomes 448, the largest E4M3.
 */
export const nvfp4: Grid = tableGrid({ name: 'nvfp4', levels: E2M1, nested: 'tensor' });
