import { type BlockEncoder, putNibbles } from './block-encoder.ts';
import { encodeFromMinimum, encodeFromPeak } from './range-codes.ts';

/** As ggml's `quantize_row_q4_0_ref`, bit for bit, without `importance`. */
export const encodeQ4_0: BlockEncoder = (block, output, importance) => {
  putNibbles(output, 2, encodeFromPeak(block, output, 8, importance));
};

/** As ggml's `quantize_row_q4_1_ref`, bit for bit, without `importance`. */
export const encodeQ4_1: BlockEncoder = (block, output, importance) => {
  putNibbles(output, 4, encodeFromMinimum(block, output, 15, importance));
};
