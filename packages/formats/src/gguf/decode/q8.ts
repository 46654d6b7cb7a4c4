import { type BlockDecoder, halfAt } from './block-decoder.ts';

/** 32 numbers q d: f16 d, then signed bytes. */
export const decodeQ8_0: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at);
  for (let j = 0; j < 32; j++) output[to + j] = ((bytes[at + 2 + j] << 24) >> 24) * d;
};
