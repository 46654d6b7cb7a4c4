import type { BlockEncoder } from './block-encoder.ts';
import { integerLevels } from './levels.ts';
import { putTwoBits } from './q2-k.ts';
import { encodeSignedRuns, type SignedRuns } from './signed-runs.ts';

const Q3_K: SignedRuns = {
  levels: integerLevels(-4, 3),
  reaches: Array.from({ length: 9 }, (_, i) => -4 + (i - 4) / 5),
  lowest: -32,
  place: 108,
};

/** Laid out as {@link decodeQ3K} reads it; scales are searched. */
export const encodeQ3K: BlockEncoder = (block, output, importance) => {
  const { scales, codes } = encodeSignedRuns(block, output, Q3_K, importance);
  // A code's third bit, which is set where nothing is to be taken off.
  for (let i = 0; i < 256; i++) output[i & 31] |= (codes[i] >> 2) << (i >> 5);
  putTwoBits(output, 32, codes);
  for (let run = 0; run < 16; run++) {
    const scale = scales[run] + 32;
    output[96 + (run & 7)] |= (scale & 15) << (run < 8 ? 0 : 4);
    output[104 + (run & 3)] |= (scale >> 4) << (2 * (run >> 2));
  }
};
