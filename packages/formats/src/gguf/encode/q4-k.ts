import { type AffineRuns, encodeAffineRuns } from './affine-runs.ts';
import type { BlockEncoder } from './block-encoder.ts';
import { meanSquareOf } from './error-weights.ts';

/** An error counts by the number's magnitude and the typical one. */
function weigh(x: Float32Array): Float64Array {
  const typical = Math.sqrt(meanSquareOf(x));
  const weights = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) weights[i] = typical + Math.abs(x[i]);
  return weights;
}

/** A range of three values, such as a ternary run's, needs almost a whole step less. */
const STRETCHES = Array.from({ length: 14 }, (_, i) => -0.9 + 0.15 * i);

const Q4_K: AffineRuns = { length: 32, top: 15, scaleTop: 63, stretches: STRETCHES, weigh, place: 0 };
const Q5_K: AffineRuns = { length: 32, top: 31, scaleTop: 63, stretches: STRETCHES, weigh, place: 0 };

/** Laid out as {@link decodeQ4K} reads it; scales and minima are searched. */
export const encodeQ4K: BlockEncoder = (block, output, importance) => {
  const { scales, minima, codes } = encodeAffineRuns(block, output, Q4_K, importance);
  putSixBits(output, 4, scales, minima);
  putLowBits(output, 16, codes);
};

/** Laid out as {@link decodeQ5K} reads it; scales and minima are searched. */
export const encodeQ5K: BlockEncoder = (block, output, importance) => {
  const { scales, minima, codes } = encodeAffineRuns(block, output, Q5_K, importance);
  putSixBits(output, 4, scales, minima);
  for (let i = 0; i < 256; i++) output[16 + (i & 31)] |= (codes[i] >> 4) << (i >> 5);
  putLowBits(output, 48, codes);
};

/** Of runs 0 to 3 in six bits of a byte; of runs 4 to 7 four bits at the end and two in the upper bits of the first eight bytes. */
function putSixBits(output: Uint8Array, at: number, scales: Uint8Array, minima: Uint8Array): void {
  for (let run = 0; run < 4; run++) {
    output[at + run] = scales[run] | ((scales[run + 4] >> 4) << 6);
    output[at + 4 + run] = minima[run] | ((minima[run + 4] >> 4) << 6);
    output[at + 8 + run] = (scales[run + 4] & 15) | ((minima[run + 4] & 15) << 4);
  }
}

/** Four bits a code; two runs share 32 bytes, the first in the low halves. */
function putLowBits(output: Uint8Array, at: number, codes: Uint8Array): void {
  for (let i = 0; i < 256; i++) output[at + 32 * (i >> 6) + (i & 31)] |= (codes[i] & 15) << (4 * ((i >> 5) & 1));
}
