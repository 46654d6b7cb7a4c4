import { type Levels, nearestCode } from './levels.ts';

/**
 * The scale d for which d level[q], q the nearest code, has the least error, weighted: sum w (x - d level[q])^2. Each `reach` puts the
 * number of the largest magnitude on that level; for the codes that follow, the best d is the weighted least-squares one, and the error that it
 * leaves is the least where (sum w x level)^2 / sum w level^2 is the most. From the best of them on, codes and d are found in turn until
 * nothing changes. 0 where all numbers are 0.
 */
export function fitScale(x: Float32Array, weights: Float64Array, levels: Levels, reaches: readonly number[]): number {
  let peak = 0;
  for (const value of x) if (Math.abs(value) > Math.abs(peak)) peak = value;
  if (peak === 0) return 0;
  let best = { scale: 0, gain: 0 };
  for (const reach of reaches) {
    const fit = leastSquares(x, weights, levels, reach / peak);
    if (fit.gain > best.gain) best = fit;
  }
  for (let turn = 0; turn < MAX_TURNS && best.scale !== 0; turn++) {
    const fit = leastSquares(x, weights, levels, 1 / best.scale);
    if (!(fit.gain > best.gain)) break;
    best = fit;
  }
  return best.scale;
}

/** Each turn lowers the error; most runs are done after two. */
const MAX_TURNS = 4;

function leastSquares(x: Float32Array, weights: Float64Array, levels: Levels, inverse: number) {
  let cross = 0;
  let square = 0;
  for (let i = 0; i < x.length; i++) {
    const level = levels.values[nearestCode(levels, inverse * x[i])];
    const weighted = weights[i] * level;
    cross += weighted * x[i];
    square += weighted * level;
  }
  return square > 0 ? { scale: cross / square, gain: (cross * cross) / square } : { scale: 0, gain: 0 };
}
