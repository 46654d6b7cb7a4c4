import { type BlockDecoder, halfAt } from './block-decoder.ts';

/** ggml's `kvalues_iq4nl`: denser near 0, and without an exact 0. */
export const IQ4_LEVELS: Float32Array = Float32Array.of(
  -127,
  -104,
  -83,
  -65,
  -49,
  -35,
  -22,
  -10,
  1,
  13,
  25,
  38,
  53,
  69,
  89,
  113,
);

/** 32 numbers IQ4_LEVELS[q] d: f16 d, then bytes as in Q4_0. */
export const decodeIq4Nl: BlockDecoder = (bytes, at, output, to) => {
  decodeLevels(bytes, at + 2, halfAt(bytes, at), output, to);
};

/**
 * 256 numbers in 8 runs of 32, each with a scale of 6 bits less 32: f16 d, a u16 of the scales' upper two bits, 4 bytes of their lower
 * four, then 16 bytes a run as in Q4_0.
 */
export const decodeIq4Xs: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  const high = bytes[at + 2] | (bytes[at + 3] << 8);
  for (let run = 0; run < 8; run++) {
    const low = (bytes[at + 4 + (run >> 1)] >> (4 * (run & 1))) & 15;
    const scale = (low | (((high >> (2 * run)) & 3) << 4)) - 32;
    decodeLevels(bytes, at + 8 + 16 * run, d * scale, output, to + 32 * run);
  }
};

function decodeLevels(bytes: Uint8Array, at: number, scale: number, output: Float32Array, to: number): void {
  for (let j = 0; j < 16; j++) {
    output[to + j] = IQ4_LEVELS[bytes[at + j] & 15] * scale;
    output[to + j + 16] = IQ4_LEVELS[bytes[at + j] >> 4] * scale;
  }
}
