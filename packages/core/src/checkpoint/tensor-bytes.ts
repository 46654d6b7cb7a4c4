import { DTYPE_BITS, type Dtype } from './dtype.ts';

/**
 * Bytes of a tensor, or why it has none: `overflow` if elements or bits exceed 2^53 - 1, `misaligned` if the bits of a sub-byte dtype do
 * not fill whole bytes. Dimensions are multiplied in order, as the reference does: an overflow is one even if a 0 follows.
 */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | 'overflow' | 'misaligned' {
  let elements = 1;
  for (const dimension of shape) {
    elements *= dimension;
    if (!Number.isSafeInteger(elements)) return 'overflow';
  }
  const bits = elements * DTYPE_BITS[dtype];
  if (!Number.isSafeInteger(bits)) return 'overflow';
  return bits % 8 === 0 ? bits / 8 : 'misaligned';
}
