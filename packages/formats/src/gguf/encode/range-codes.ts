import { extreme, inverseOf, putHalf } from './block-encoder.ts';
import { errorWeights } from './error-weights.ts';
import { fitAffine } from './fit-affine.ts';
import { fitScale } from './fit-scale.ts';
import { integerLevels, type Levels, nearestCode } from './levels.ts';

const { fround } = Math;

const LEVELS: Readonly<Record<8 | 16, Levels>> = { 8: integerLevels(-8, 7), 16: integerLevels(-16, 15) };
/** Levels that the peak may be put on: it has the sign that the lowest one has, so that the longer side is used. */
const REACHES = { 8: around(-8), 16: around(-16) };
/** Steps by which ranges are stretched. */
const STRETCHES = Array.from({ length: 21 }, (_, i) => (i - 10) / 10);

function around(reach: number): number[] {
  return Array.from({ length: 19 }, (_, i) => reach + (i - 9) / 10);
}

/**
 * Codes from 0 to 2 `half` - 1 of (code - `half`) d; d, an f16, goes to the first two bytes. Without `importance` d puts the peak on code 0.
 * All in f32, in the order in which ggml computes.
 */
export function encodeFromPeak(
  block: Float32Array,
  output: Uint8Array,
  half: 8 | 16,
  importance: Float32Array | undefined,
): Uint8Array {
  const codes = new Uint8Array(block.length);
  if (importance !== undefined) {
    const levels = LEVELS[half];
    const d = putHalf(output, 0, fitScale(block, errorWeights(block, importance), levels, REACHES[half]));
    for (let j = 0; j < codes.length; j++) codes[j] = d === 0 ? half : nearestCode(levels, block[j] / d);
    return codes;
  }
  const d = fround(extreme(block) / -half);
  const inverse = inverseOf(d);
  putHalf(output, 0, d);
  // half + 0.5, so that cutting rounds to nearest.
  for (let j = 0; j < codes.length; j++) {
    codes[j] = Math.min(2 * half - 1, fround(fround(block[j] * inverse) + half + 0.5));
  }
  return codes;
}

/**
 * Codes from 0 to `top` of code d + m; d and m, each an f16, go to the first four bytes. Without `importance` m is the least number and m + top d
 * the greatest. All in f32, in the order in which ggml computes.
 */
export function encodeFromMinimum(
  block: Float32Array,
  output: Uint8Array,
  top: 15 | 31,
  importance: Float32Array | undefined,
): Uint8Array {
  const codes = new Uint8Array(block.length);
  if (importance !== undefined) {
    const fit = fitAffine(block, errorWeights(block, importance), top, STRETCHES, false);
    const d = putHalf(output, 0, fit.scale);
    const m = putHalf(output, 2, fit.minimum);
    for (let j = 0; j < codes.length; j++) {
      codes[j] = d === 0 ? 0 : Math.max(0, Math.min(top, Math.floor((block[j] - m) / d + 0.5)));
    }
    return codes;
  }
  let [low, high] = [block[0], block[0]];
  for (const value of block) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const d = fround(fround(high - low) / top);
  const inverse = inverseOf(d);
  putHalf(output, 0, d);
  putHalf(output, 2, low);
  for (let j = 0; j < codes.length; j++) {
    codes[j] = Math.min(top, fround(fround(fround(block[j] - low) * inverse) + 0.5));
  }
  return codes;
}
