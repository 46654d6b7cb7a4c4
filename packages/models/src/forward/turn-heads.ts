import { type Rope, rotateBlocks } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import type { Workplace } from './workplace.ts';

/**
 * RoPE of every head, in place, and then R3 where the section's inference has one, in a new matrix. Rows are sequences of `length` tokens, of which the
 * first stands at position `offset`.
 */
export async function turnHeads(
  input: Matrix,
  p: { readonly rope?: Rope; readonly heads: number; readonly length: number; readonly offset: number },
  { weights, kernels, rotary }: Workplace,
): Promise<Matrix> {
  const { rope, heads, length, offset } = p;
  if (rope) await kernels.rotate({ values: input, heads, length, offset, rotary: rotary(rope, offset + length) });
  const rotation = weights.inference.attention?.rotation;
  return rotation ? rotateBlocks(input, rotation, kernels) : input;
}
