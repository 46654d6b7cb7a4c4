import type { BlockEncoder } from './block-encoder.ts';
import { encodeIq4Nl } from './iq4-nl.ts';
import { encodeMxfp4 } from './mxfp4.ts';
import { encodeQ2K } from './q2-k.ts';
import { encodeQ3K } from './q3-k.ts';
import { encodeQ4_0, encodeQ4_1 } from './q4.ts';
import { encodeQ4K, encodeQ5K } from './q4-k.ts';
import { encodeQ5_0, encodeQ5_1 } from './q5.ts';
import { encodeQ6K } from './q6-k.ts';
import { encodeQ8_0 } from './q8.ts';
import { encodeTq1, encodeTq2 } from './ternary.ts';

/** By the names of ggml's types. */
export const BLOCK_ENCODERS: ReadonlyMap<string, BlockEncoder> = new Map([
  ['Q4_0', encodeQ4_0],
  ['Q4_1', encodeQ4_1],
  ['Q5_0', encodeQ5_0],
  ['Q5_1', encodeQ5_1],
  ['Q8_0', encodeQ8_0],
  ['Q2_K', encodeQ2K],
  ['Q3_K', encodeQ3K],
  ['Q4_K', encodeQ4K],
  ['Q5_K', encodeQ5K],
  ['Q6_K', encodeQ6K],
  ['IQ4_NL', encodeIq4Nl],
  ['MXFP4', encodeMxfp4],
  ['TQ1_0', encodeTq1],
  ['TQ2_0', encodeTq2],
]);
