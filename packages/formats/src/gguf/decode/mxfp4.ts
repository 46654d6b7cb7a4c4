import type { BlockDecoder } from './block-decoder.ts';

/** Twice the values of E2M1, so that they are whole. */
const DOUBLED = Float32Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** 32 numbers of E2M1 times 2^(e - 127): a byte e, then bytes as in Q4_0 (OCP Microscaling Formats 1.0, in ggml's order). */
export const decodeMxfp4: BlockDecoder = (bytes, at, output, to) => {
  const scale = 2 ** (bytes[at] - 128);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 1 + j];
    output[to + j] = DOUBLED[byte & 15] * scale;
    output[to + j + 16] = DOUBLED[byte >> 4] * scale;
  }
};
