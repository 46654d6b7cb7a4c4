import { type BlockDecoder, halfAt } from './block-decoder.ts';

/**
 * 256 numbers d sc (q - 32) in 16 runs of 16: 128 bytes of lower four bits, 64 bytes of upper two, 16 signed scales, f16 d. In each half of
 * the block the four quarters of 32 share bytes: the lower bits of the first two lie in the low halves, of the last two in the high ones.
 */
export const decodeQ6K: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at + 208);
  for (let i = 0; i < 256; i++) {
    const half = i >> 7;
    const quarter = (i >> 5) & 3;
    const j = i & 31;
    const low = (bytes[at + 64 * half + 32 * (quarter & 1) + j] >> (quarter < 2 ? 0 : 4)) & 15;
    const high = (bytes[at + 128 + 32 * half + j] >> (2 * quarter)) & 3;
    const scale = (bytes[at + 192 + (i >> 4)] << 24) >> 24;
    output[to + i] = d * scale * ((low | (high << 4)) - 32);
  }
};
