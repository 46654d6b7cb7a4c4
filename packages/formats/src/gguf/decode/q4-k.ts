import { type BlockDecoder, halfAt } from './block-decoder.ts';

/**
 * 256 numbers d sc q - dmin m in 8 runs of 32: f16 d and dmin, 12 bytes of 6-bit scales and minima, 128 bytes of codes. Two runs share 32
 * bytes, the first in the low halves.
 */
export const decodeQ4K: BlockDecoder = (bytes, at, output, to) => {
  decodeRuns(bytes, at, output, to, (run, j) => (bytes[at + 16 + 32 * (run >> 1) + j] >> (4 * (run & 1))) & 15);
};

/** As Q4_K with a fifth bit: 32 bytes of them before the codes, bit `run` of byte j. */
export const decodeQ5K: BlockDecoder = (bytes, at, output, to) => {
  decodeRuns(bytes, at, output, to, (run, j) => {
    const low = (bytes[at + 48 + 32 * (run >> 1) + j] >> (4 * (run & 1))) & 15;
    return low | (((bytes[at + 16 + j] >> run) & 1) << 4);
  });
};

function decodeRuns(
  bytes: Uint8Array,
  at: number,
  output: Float32Array,
  to: number,
  codeAt: (run: number, j: number) => number,
): void {
  const d = halfAt(bytes, at);
  const dmin = halfAt(bytes, at + 2);
  for (let run = 0; run < 8; run++) {
    const scale = d * sixBits(bytes, at + 4, run, 0);
    const minimum = dmin * sixBits(bytes, at + 4, run, 4);
    for (let j = 0; j < 32; j++) output[to + 32 * run + j] = scale * codeAt(run, j) - minimum;
  }
}

/**
 * A run's scale (`first` 0) or minimum (`first` 4). Those of runs 0 to 3 lie in six bits of a byte each; of runs 4 to 7, four bits lie
 * in the last bytes (scales low, minima high) and two in the upper bits of the first eight.
 */
function sixBits(bytes: Uint8Array, at: number, run: number, first: 0 | 4): number {
  if (run < 4) return bytes[at + first + run] & 63;
  return ((bytes[at + 4 + run] >> first) & 15) | ((bytes[at + first + run - 4] >> 6) << 4);
}
