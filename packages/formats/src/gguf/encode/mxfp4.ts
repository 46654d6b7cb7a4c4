import { type BlockEncoder, extreme, putNibbles } from './block-encoder.ts';

/** E2M1's magnitudes, doubled; a code's fourth bit is the sign. */
const DOUBLED = [0, 1, 2, 3, 4, 6, 8, 12];

/**
 * As ggml's `quantize_row_mxfp4_ref`, bit for bit, which is the rule of OCP Microscaling Formats 1.0 (section 6.3): the exponent of the peak less
 * that of the largest number of E2M1; what is beyond that number is cut to it. Of two that are as near the smaller is taken.
 */
export const encodeMxfp4: BlockEncoder = (block, output) => {
  const peak = Math.abs(extreme(block));
  const exponent = peak > 0 ? Math.min(254, Math.max(0, exponentOf(peak) + 125)) : 0;
  output[0] = exponent;
  const half = 2 ** (exponent - 128);
  const codes = new Uint8Array(32);
  for (let j = 0; j < 32; j++) {
    const magnitude = Math.abs(block[j]) / half;
    let code = 0;
    while (code < 7 && DOUBLED[code + 1] - magnitude < magnitude - DOUBLED[code]) code++;
    codes[j] = block[j] < 0 && code > 0 ? code | 8 : code;
  }
  putNibbles(output, 1, codes);
};

/** floor(log2(value)), exactly. */
function exponentOf(value: number): number {
  const guess = Math.floor(Math.log2(value));
  if (2 ** guess > value) return guess - 1;
  return 2 ** (guess + 1) <= value ? guess + 1 : guess;
}
