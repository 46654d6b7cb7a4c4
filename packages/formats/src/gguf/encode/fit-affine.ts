/** value = scale q + minimum */
export interface Affine {
  readonly scale: number;
  readonly minimum: number;
}

/**
 * Scale and minimum for which codes 0 to `top` leave the least error, weighted: sum w (x - scale q - minimum)^2. Codes come from ranges that
 * are stretched by each of `stretches` (in steps); for codes, scale and minimum are the weighted least-squares ones. From the best of them on,
 * codes and these two are found in turn until nothing changes. With `below`, the minimum is never above 0.
 */
export function fitAffine(
  x: Float32Array,
  weights: Float64Array,
  top: number,
  stretches: readonly number[],
  below: boolean,
): Affine {
  let low = below ? Math.min(0, x[0]) : x[0];
  let high = x[0];
  let [sumW, sumX, sumXX] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
    sumW += weights[i];
    sumX += weights[i] * x[i];
    sumXX += weights[i] * x[i] * x[i];
  }
  if (high === low || sumW === 0) return { scale: 0, minimum: low };

  const solve = (inverse: number, from: number) => {
    let [sumQ, sumQQ, sumQX] = [0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      const rounded = Math.floor(inverse * (x[i] - from) + 0.5);
      const q = rounded < 0 ? 0 : Math.min(rounded, top);
      const weighted = weights[i] * q;
      sumQ += weighted;
      sumQQ += weighted * q;
      sumQX += weighted * x[i];
    }
    const determinant = sumW * sumQQ - sumQ * sumQ;
    if (!(determinant > 0)) return undefined;
    let scale = (sumW * sumQX - sumQ * sumX) / determinant;
    let minimum = (sumQQ * sumX - sumQ * sumQX) / determinant;
    if (below && minimum > 0) [scale, minimum] = [sumQX / sumQQ, 0];
    // At the least-squares solution the mixed terms cancel.
    return { scale, minimum, error: sumXX - scale * sumQX - minimum * sumX };
  };

  let best = { scale: (high - low) / top, minimum: low, error: Number.POSITIVE_INFINITY };
  for (const stretch of stretches) {
    const fit = solve((top + stretch) / (high - low), low);
    if (fit !== undefined && fit.scale > 0 && fit.error < best.error) best = fit;
  }
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const fit = solve(1 / best.scale, best.minimum);
    if (fit === undefined || !(fit.scale > 0 && fit.error < best.error)) break;
    best = fit;
  }
  return { scale: best.scale, minimum: best.minimum };
}

/** Each turn lowers the error; most runs are done after two. */
const MAX_TURNS = 4;
