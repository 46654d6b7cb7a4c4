import { type BlockDecoder, halfAt } from './block-decoder.ts';

/**
 * 256 numbers d (sc - 32) q in 16 runs of 16, q from -4 to 3: 32 bytes of third bits (set: nothing, clear: less 4), 64 bytes of 2-bit codes
 * in the order of Q2_K, 12 bytes of 6-bit scales, f16 d.
 */
export const decodeQ3K: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at + 108);
  for (let i = 0; i < 256; i++) {
    const low = (bytes[at + 32 + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3;
    const third = (bytes[at + (i & 31)] >> (i >> 5)) & 1;
    output[to + i] = d * (scaleOf(bytes, at + 96, i >> 4) - 32) * (low - (third ? 0 : 4));
  }
};

function scaleOf(bytes: Uint8Array, at: number, run: number): number {
  const low = (bytes[at + (run & 7)] >> (run < 8 ? 0 : 4)) & 15;
  const high = (bytes[at + 8 + (run & 3)] >> (2 * (run >> 2))) & 3;
  return low | (high << 4);
}
