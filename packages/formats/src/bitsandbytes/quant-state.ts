import type { FloatDtype } from '@compress/core';
import { z } from 'zod';
import { NESTED_BLOCK } from './four-bit-layout.ts';
import type { FourBitType } from './scheme.ts';

const size = z.int().positive();

/** What bitsandbytes keeps of a 4-bit weight beside its tensors, as JSON in a tensor of bytes. */
const quantStateSchema = z.object({
  quant_type: z.enum(['nf4', 'fp4']),
  /** Weights that share an absmax, of all rows one after the other. */
  blocksize: size,
  /** Of the floats that it was made of, to which kernels dequantize. */
  dtype: z.enum(['float16', 'bfloat16', 'float32']),
  /** `[out, in]` */
  shape: z.tuple([size, size]),
  nested_blocksize: size.optional(),
  nested_dtype: z.string().optional(),
  nested_offset: z.number().optional(),
});

/** The state of one 4-bit weight. */
export type QuantState = z.infer<typeof quantStateSchema>;

const TORCH_DTYPES = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const;
/** The longest spelling of a positive f32: 17 digits after five zeros. */
const LONGEST_OFFSET = 24;

/**
 * The UTF-8 text of a state, its keys in bitsandbytes' order with the separators that Python writes. `offset` is that of scales that are codes; then spaces at
 * the end make the text as long as for any other offset, so that its size is known beforehand.
 */
export function writeQuantState(p: {
  readonly type: FourBitType;
  readonly blockSize: number;
  readonly dtype: FloatDtype;
  readonly shape: readonly [number, number];
  readonly offset?: number | undefined;
}): Uint8Array {
  const text = `{"quant_type": "${p.type}", "blocksize": ${p.blockSize}, "dtype": "${TORCH_DTYPES[p.dtype]}", "shape": [${p.shape.join(', ')}]`;
  if (p.offset === undefined) return new TextEncoder().encode(`${text}}`);
  const nested = `, "nested_blocksize": ${NESTED_BLOCK}, "nested_dtype": "float32", "nested_offset": `;
  return new TextEncoder().encode(`${text}${nested}${`${p.offset}}`.padEnd(LONGEST_OFFSET + 1)}`);
}

/** The inverse; undefined where the bytes are no such text. */
export function readQuantState(bytes: Uint8Array): QuantState | undefined {
  try {
    return quantStateSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}
