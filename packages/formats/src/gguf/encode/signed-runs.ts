import { halfValue, putHalf } from './block-encoder.ts';
import { errorWeights, meanSquareOf, squareWeights } from './error-weights.ts';
import { fitScale } from './fit-scale.ts';
import { type Levels, nearestCode } from './levels.ts';

/** The shape of a type whose blocks are 16 runs of 16 numbers d sc level[q]. */
export interface SignedRuns {
  readonly levels: Levels;
  /** Levels that a run's peak is put on in the search, see {@link fitScale}. */
  readonly reaches: readonly number[];
  /** The least sc; the greatest is -`lowest` - 1. */
  readonly lowest: number;
  /** Where the f16 d lies in the block. */
  readonly place: number;
}

const LENGTH = 16;

/**
 * Scales (signed) and codes of a block of 256. Each run is fitted alone; then d puts the scale of the largest magnitude on `lowest`; then each run
 * takes the sc about its own that leaves the least error; at last d is fitted anew to the codes, if that leaves less. Without an importance
 * matrix an error counts by the number's square.
 */
export function encodeSignedRuns(
  block: Float32Array,
  output: Uint8Array,
  type: SignedRuns,
  importance: Float32Array | undefined,
): { readonly scales: Int8Array; readonly codes: Uint8Array } {
  const count = block.length / LENGTH;
  const runs = Array.from({ length: count }, (_, r) => block.subarray(r * LENGTH, (r + 1) * LENGTH));
  const meanSquare = meanSquareOf(block);
  const weights = runs.map((x, r) => {
    if (importance === undefined) return squareWeights(x);
    return errorWeights(x, importance.subarray(r * LENGTH, (r + 1) * LENGTH), meanSquare);
  });
  const fits = runs.map((x, r) => fitScale(x, weights[r], type.levels, type.reaches));

  const scales = new Int8Array(count);
  const codes = new Uint8Array(block.length);
  let d = halfValue(fits.reduce((peak, fit) => (Math.abs(fit) > Math.abs(peak) ? fit : peak), 0) / type.lowest);
  let error = 0;
  for (const [r, x] of runs.entries()) {
    const sc = d === 0 ? 0 : Math.round(fits[r] / d);
    let least = Number.POSITIVE_INFINITY;
    for (let s = Math.max(type.lowest, sc - 1); s <= Math.min(-type.lowest - 1, sc + 1); s++) {
      const left = errorOf(x, weights[r], type.levels, d * s);
      if (left < least) [least, scales[r]] = [left, s];
    }
    error += least;
  }
  putCodes(runs, type.levels, d, scales, codes);

  const refit = halfValue(solve(runs, weights, type.levels, scales, codes) ?? d);
  let after = 0;
  for (const [r, x] of runs.entries()) after += errorOf(x, weights[r], type.levels, refit * scales[r]);
  if (after < error) {
    d = refit;
    putCodes(runs, type.levels, d, scales, codes);
  }
  putHalf(output, type.place, d);
  return { scales, codes };
}

function errorOf(x: Float32Array, weights: Float64Array, levels: Levels, scale: number): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let error = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = x[i] - scale * levels.values[nearestCode(levels, x[i] * inverse)];
    error += weights[i] * difference * difference;
  }
  return error;
}

function putCodes(
  runs: readonly Float32Array[],
  levels: Levels,
  d: number,
  scales: Int8Array,
  codes: Uint8Array,
): void {
  for (const [r, x] of runs.entries()) {
    const scale = d * scales[r];
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = 0; i < x.length; i++) codes[r * LENGTH + i] = nearestCode(levels, x[i] * inverse);
  }
}

/** The d of the least weighted error for these codes. */
function solve(
  runs: readonly Float32Array[],
  weights: readonly Float64Array[],
  levels: Levels,
  scales: Int8Array,
  codes: Uint8Array,
): number | undefined {
  let [cross, square] = [0, 0];
  for (const [r, x] of runs.entries()) {
    for (let i = 0; i < x.length; i++) {
      const level = scales[r] * levels.values[codes[r * LENGTH + i]];
      cross += weights[r][i] * level * x[i];
      square += weights[r][i] * level * level;
    }
  }
  return square > 0 ? cross / square : undefined;
}
