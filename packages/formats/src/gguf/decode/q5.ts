import { type BlockDecoder, halfAt } from './block-decoder.ts';

/** 32 numbers (q - 16) d: f16 d, a u32 of fifth bits (bit j of element j), then bytes as in Q4_0. */
export const decodeQ5_0: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  for (let j = 0; j < 32; j++) output[to + j] = (fiveBits(bytes, at + 2, j) - 16) * d;
};

/** 32 numbers q d + m: f16 d and m, then as Q5_0. */
export const decodeQ5_1: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  for (let j = 0; j < 32; j++) output[to + j] = fiveBits(bytes, at + 4, j) * d + m;
};

/** The code of element j of 32: fifth bits at `bytes[at]`, then the lower four. */
export function fiveBits(bytes: Uint8Array, at: number, j: number): number {
  const low = (bytes[at + 4 + (j % 16)] >> (j < 16 ? 0 : 4)) & 15;
  const high = (bytes[at + (j >> 3)] >> (j & 7)) & 1;
  return low | (high << 4);
}
