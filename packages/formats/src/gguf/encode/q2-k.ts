import { type AffineRuns, encodeAffineRuns } from './affine-runs.ts';
import type { BlockEncoder } from './block-encoder.ts';

const Q2_K: AffineRuns = {
  length: 16,
  top: 3,
  scaleTop: 15,
  stretches: Array.from({ length: 14 }, (_, i) => -0.9 + 0.15 * i),
  // An error counts by the number's magnitude.
  weigh(x) {
    const weights = new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) weights[i] = Math.abs(x[i]);
    return weights;
  },
  place: 80,
};

/** Laid out as {@link decodeQ2K} reads it; scales and minima are searched. */
export const encodeQ2K: BlockEncoder = (block, output, importance) => {
  const { scales, minima, codes } = encodeAffineRuns(block, output, Q2_K, importance);
  for (let run = 0; run < 16; run++) output[run] = scales[run] | (minima[run] << 4);
  putTwoBits(output, 16, codes);
};

/** Two bits a code; each half of the block lies in 32 bytes, a quarter of it at each pair of bits. */
export function putTwoBits(output: Uint8Array, at: number, codes: Uint8Array): void {
  for (let i = 0; i < 256; i++) output[at + 32 * (i >> 7) + (i & 31)] |= (codes[i] & 3) << (2 * ((i >> 5) & 3));
}
