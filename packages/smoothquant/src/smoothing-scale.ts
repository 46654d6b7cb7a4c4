import { power } from '@compress/core';
import type { Matrix } from '@compress/kernels';

/** The least of a scale and of a column's largest weight: what divides must not vanish. */
const SMALLEST = 1e-5;

/** Linears that read one activation of n channels. Nothing is changed. */
export interface SmoothingRequest {
  /** All of them, `[out, n]` each. */
  readonly weights: readonly Matrix[];
  /** `[n]`: the largest magnitude of each channel over all calibration tokens. */
  readonly absmax: ArrayLike<number>;
  /** The migration strength, 0 to 1. @default 0.5 */
  readonly alpha?: number;
}

/**
 * The scale s of each channel by which activations are divided and columns of the weights multiplied: absmax^alpha over the largest weight of the
 * column^(1 - alpha) (SmoothQuant, Xiao et al., 2022, equation 4), `[n]`, >= 1e-5. A channel that was always 0 keeps 1: nothing is known of it, and
 * the formula would multiply it by 1e5 if it ever woke.
 */
export function smoothingScale({ weights, absmax, alpha = 0.5 }: SmoothingRequest): Float64Array {
  const largest = new Float64Array(absmax.length);
  for (const { data, columns } of weights)
    for (let start = 0; start < data.length; start += columns)
      for (let c = 0; c < columns; c++) largest[c] = Math.max(largest[c], Math.abs(data[start + c]));
  return largest.map((weight, c) =>
    absmax[c] === 0 ? 1 : Math.max(SMALLEST, power(absmax[c], alpha) / power(Math.max(SMALLEST, weight), 1 - alpha)),
  );
}
