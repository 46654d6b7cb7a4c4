import { type BlockEncoder, extreme, inverseOf, putHalf, roundAway } from './block-encoder.ts';

/** As ggml's `quantize_row_q8_0_ref`, bit for bit: 127 steps on each side of 0. */
export const encodeQ8_0: BlockEncoder = (block, output) => {
  const d = Math.fround(Math.abs(extreme(block)) / 127);
  const inverse = inverseOf(d);
  putHalf(output, 0, d);
  for (let j = 0; j < 32; j++) output[2 + j] = roundAway(Math.fround(block[j] * inverse)) & 255;
};
