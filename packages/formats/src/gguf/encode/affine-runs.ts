import { halfValue, putHalf } from './block-encoder.ts';
import { errorWeights, meanSquareOf } from './error-weights.ts';
import { fitAffine } from './fit-affine.ts';

/** The shape of a type whose blocks are runs of numbers d sc q - dmin m. */
export interface AffineRuns {
  /** Numbers a run. */
  readonly length: 16 | 32;
  /** The largest code q. */
  readonly top: number;
  /** The largest sc and m. */
  readonly scaleTop: number;
  /** Steps by which a run's range is stretched in the search, see {@link fitAffine}. */
  readonly stretches: readonly number[];
  /** How much an error of each number counts where no importance matrix says it. */
  weigh(x: Float32Array): Float64Array;
  /** Where the f16 d lies in the block; dmin follows it. */
  readonly place: number;
}

/** What a block became. */
export interface AffineCodes {
  readonly scales: Uint8Array;
  readonly minima: Uint8Array;
  /** `[256]` */
  readonly codes: Uint8Array;
}

/**
 * Scales, minima and codes of a block of 256. Each run is fitted alone; then d and dmin make the largest scale and minimum whole; then each run
 * takes the sc and m about its own that leave the least error; at last d and dmin are fitted anew to the codes, if that leaves less.
 */
export function encodeAffineRuns(
  block: Float32Array,
  output: Uint8Array,
  type: AffineRuns,
  importance: Float32Array | undefined,
): AffineCodes {
  const count = block.length / type.length;
  const runs = Array.from({ length: count }, (_, r) => block.subarray(r * type.length, (r + 1) * type.length));
  const weights = weigh(block, runs, type, importance);
  const fits = runs.map((x, r) => fitAffine(x, weights[r], type.top, type.stretches, true));

  const found: AffineCodes = {
    scales: new Uint8Array(count),
    minima: new Uint8Array(count),
    codes: new Uint8Array(block.length),
  };
  let d = halfValue(Math.max(...fits.map(({ scale }) => scale)) / type.scaleTop);
  let dmin = halfValue(Math.max(...fits.map(({ minimum }) => -minimum)) / type.scaleTop);
  let error = 0;
  for (const [r, x] of runs.entries()) {
    const { scale, minimum } = fits[r];
    const sc = d > 0 ? Math.round(scale / d) : 0;
    const m = dmin > 0 ? Math.round(-minimum / dmin) : 0;
    let least = Number.POSITIVE_INFINITY;
    for (let s = Math.max(0, sc - 1); s <= Math.min(type.scaleTop, sc + 1); s++) {
      for (let t = Math.max(0, m - 1); t <= Math.min(type.scaleTop, m + 1); t++) {
        const left = errorOf(x, weights[r], d * s, dmin * t, type.top);
        if (left < least) [least, found.scales[r], found.minima[r]] = [left, s, t];
      }
    }
    error += least;
  }
  putCodes(runs, d, dmin, type, found);

  const refit = solve(runs, weights, found);
  if (refit !== undefined) {
    const [d2, dmin2] = [halfValue(refit.d), halfValue(refit.dmin)];
    let after = 0;
    for (const [r, x] of runs.entries()) {
      after += errorOf(x, weights[r], d2 * found.scales[r], dmin2 * found.minima[r], type.top);
    }
    if (after < error) {
      [d, dmin] = [d2, dmin2];
      putCodes(runs, d, dmin, type, found);
    }
  }
  putHalf(output, type.place, d);
  putHalf(output, type.place + 2, dmin);
  return found;
}

function weigh(
  block: Float32Array,
  runs: readonly Float32Array[],
  type: AffineRuns,
  importance: Float32Array | undefined,
): Float64Array[] {
  const meanSquare = meanSquareOf(block);
  return runs.map((x, r) => {
    if (importance === undefined) return type.weigh(x);
    return errorWeights(x, importance.subarray(r * type.length, (r + 1) * type.length), meanSquare);
  });
}

function errorOf(x: Float32Array, weights: Float64Array, scale: number, minimum: number, top: number): number {
  const inverse = scale > 0 ? 1 / scale : 0;
  let error = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = x[i] + minimum - scale * nearest(x[i], inverse, minimum, top);
    error += weights[i] * difference * difference;
  }
  return error;
}

function nearest(value: number, inverse: number, minimum: number, top: number): number {
  const q = Math.floor((value + minimum) * inverse + 0.5);
  return q < 0 ? 0 : Math.min(q, top);
}

function putCodes(runs: readonly Float32Array[], d: number, dmin: number, type: AffineRuns, found: AffineCodes): void {
  for (const [r, x] of runs.entries()) {
    const scale = d * found.scales[r];
    const minimum = dmin * found.minima[r];
    const inverse = scale > 0 ? 1 / scale : 0;
    for (let i = 0; i < x.length; i++) found.codes[r * type.length + i] = nearest(x[i], inverse, minimum, type.top);
  }
}

/** d and dmin of the least weighted error for these codes; undefined where they do not tell both. */
function solve(runs: readonly Float32Array[], weights: readonly Float64Array[], found: AffineCodes) {
  let [aa, ab, bb, ax, bx] = [0, 0, 0, 0, 0];
  for (const [r, x] of runs.entries()) {
    const w = weights[r];
    const b = -found.minima[r];
    for (let i = 0; i < x.length; i++) {
      const a = found.scales[r] * found.codes[r * x.length + i];
      aa += w[i] * a * a;
      ab += w[i] * a * b;
      bb += w[i] * b * b;
      ax += w[i] * a * x[i];
      bx += w[i] * b * x[i];
    }
  }
  if (bb === 0) return aa > 0 ? { d: ax / aa, dmin: 0 } : undefined;
  const determinant = aa * bb - ab * ab;
  if (!(determinant > 0)) return undefined;
  const [d, dmin] = [(ax * bb - bx * ab) / determinant, (bx * aa - ax * ab) / determinant];
  return d > 0 && dmin >= 0 ? { d, dmin } : undefined;
}
