import { type BlockDecoder, halfAt } from './block-decoder.ts';

/** 32 numbers (q - 8) d: f16 d, then bytes with element j in the low and j + 16 in the high half. */
export const decodeQ4_0: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 2 + j];
    output[to + j] = ((byte & 15) - 8) * d;
    output[to + j + 16] = ((byte >> 4) - 8) * d;
  }
};

/** 32 numbers q d + m: f16 d and m, then bytes as in Q4_0. */
export const decodeQ4_1: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  const m = halfAt(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 4 + j];
    output[to + j] = (byte & 15) * d + m;
    output[to + j + 16] = (byte >> 4) * d + m;
  }
};
