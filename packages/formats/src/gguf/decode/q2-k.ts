import { type BlockDecoder, halfAt } from './block-decoder.ts';

/**
 * 256 numbers d sc q - dmin m in 16 runs of 16: 16 bytes (sc low, m high), 64 bytes of 2-bit codes, f16 d and dmin. Each half of the block
 * lies in 32 bytes, a quarter of it at each pair of bits.
 */
export const decodeQ2K: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at + 80);
  const dmin = halfAt(bytes, at + 82);
  for (let i = 0; i < 256; i++) {
    const scale = bytes[at + (i >> 4)];
    const q = (bytes[at + 16 + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3;
    output[to + i] = d * (scale & 15) * q - dmin * (scale >> 4);
  }
};
