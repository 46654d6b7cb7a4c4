import type { BlockEncoder } from './block-encoder.ts';
import { integerLevels } from './levels.ts';
import { encodeSignedRuns, type SignedRuns } from './signed-runs.ts';

const Q6_K: SignedRuns = {
  levels: integerLevels(-32, 31),
  reaches: Array.from({ length: 9 }, (_, i) => -32 + (i - 4) / 5),
  lowest: -128,
  place: 208,
};

/** Laid out as {@link decodeQ6K} reads it; scales are searched. */
export const encodeQ6K: BlockEncoder = (block, output, importance) => {
  const { scales, codes } = encodeSignedRuns(block, output, Q6_K, importance);
  for (let i = 0; i < 256; i++) {
    const [half, quarter, j] = [i >> 7, (i >> 5) & 3, i & 31];
    output[64 * half + 32 * (quarter & 1) + j] |= (codes[i] & 15) << (quarter < 2 ? 0 : 4);
    output[128 + 32 * half + j] |= (codes[i] >> 4) << (2 * quarter);
  }
  output.set(new Uint8Array(scales.buffer), 192);
};
