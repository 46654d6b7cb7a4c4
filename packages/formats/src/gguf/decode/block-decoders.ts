import type { BlockDecoder } from './block-decoder.ts';
import { decodeIq4Nl, decodeIq4Xs } from './iq4.ts';
import { decodeMxfp4 } from './mxfp4.ts';
import { decodeQ2K } from './q2-k.ts';
import { decodeQ3K } from './q3-k.ts';
import { decodeQ4_0, decodeQ4_1 } from './q4.ts';
import { decodeQ4K, decodeQ5K } from './q4-k.ts';
import { decodeQ5_0, decodeQ5_1 } from './q5.ts';
import { decodeQ6K } from './q6-k.ts';
import { decodeQ8_0 } from './q8.ts';
import { decodeTq1, decodeTq2 } from './ternary.ts';

/** By the names of ggml's types. */
export const BLOCK_DECODERS: ReadonlyMap<string, BlockDecoder> = new Map([
  ['Q4_0', decodeQ4_0],
  ['Q4_1', decodeQ4_1],
  ['Q5_0', decodeQ5_0],
  ['Q5_1', decodeQ5_1],
  ['Q8_0', decodeQ8_0],
  ['Q2_K', decodeQ2K],
  ['Q3_K', decodeQ3K],
  ['Q4_K', decodeQ4K],
  ['Q5_K', decodeQ5K],
  ['Q6_K', decodeQ6K],
  ['IQ4_NL', decodeIq4Nl],
  ['IQ4_XS', decodeIq4Xs],
  ['MXFP4', decodeMxfp4],
  ['TQ1_0', decodeTq1],
  ['TQ2_0', decodeTq2],
]);
