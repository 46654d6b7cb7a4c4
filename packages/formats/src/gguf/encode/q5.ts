import { type BlockEncoder, putNibbles } from './block-encoder.ts';
import { encodeFromMinimum, encodeFromPeak } from './range-codes.ts';

/** As ggml's `quantize_row_q5_0_ref`, bit for bit, without `importance`. */
export const encodeQ5_0: BlockEncoder = (block, output, importance) => {
  putFiveBits(output, 2, encodeFromPeak(block, output, 16, importance));
};

/** As ggml's `quantize_row_q5_1_ref`, bit for bit, without `importance`. */
export const encodeQ5_1: BlockEncoder = (block, output, importance) => {
  putFiveBits(output, 4, encodeFromMinimum(block, output, 31, importance));
};

/** 32 fifth bits, then the lower four as in Q4_0. */
export function putFiveBits(output: Uint8Array, at: number, codes: Uint8Array): void {
  for (let j = 0; j < 32; j++) output[at + (j >> 3)] |= (codes[j] >> 4) << (j & 7);
  putNibbles(output, at + 4, codes);
}
