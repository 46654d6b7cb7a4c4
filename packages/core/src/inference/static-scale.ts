import type { ActivationQuantizer } from './inference.ts';
import { E4M3 } from './round-to-float.ts';

/**
 * One scale for all tokens of an activation that is divided by `scale`: its largest magnitude over the largest code. The magnitudes are exact, since
 * each channel is divided by one number. Undefined where calibration saw nothing but zeros.
 */
export function staticScale(
  absmax: ArrayLike<number>,
  scale: ArrayLike<number>,
  { grid, bits }: Pick<ActivationQuantizer, 'grid' | 'bits'>,
): number | undefined {
  const most = largestOver(absmax, scale);
  const largest = grid === 'fp8' ? E4M3.largest : 2 ** (bits - 1) - 1;
  return most === 0 ? undefined : Math.max(most / largest, 2 ** -126);
}

/** max over channels of absmax / scale. */
export function largestOver(absmax: ArrayLike<number>, scale: ArrayLike<number>): number {
  let most = 0;
  for (let c = 0; c < absmax.length; c++) most = Math.max(most, absmax[c] / scale[c]);
  return most;
}
