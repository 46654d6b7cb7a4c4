import { CompressError } from '@compress/core';
import { decodeHalf, encodeHalf } from '@compress/kernels';

/**
 * Writes one block of a type: `block` has its numbers, `output` is as long as its bytes and all 0. `importance` tells how much an error
 * of each number counts (the mean square of the activation that it meets, as an importance matrix has it); absent: by the rule of the type.
 * Pure. Throws `CompressError` `not-representable` where a scale is beyond f16.
 */
export type BlockEncoder = (block: Float32Array, output: Uint8Array, importance?: Float32Array) => void;

/** Writes `value` as f16 and returns what it became. Throws `CompressError` `not-representable` beyond its range. */
export function putHalf(output: Uint8Array, at: number, value: number): number {
  const bits = encodeHalf(value, 'f16');
  if ((bits & 0x7c00) === 0x7c00) {
    throw new CompressError('not-representable', `A block needs the scale ${value}, which f16 cannot hold.`);
  }
  output[at] = bits & 0xff;
  output[at + 1] = bits >> 8;
  return decodeHalf(bits, 'f16');
}

/** What {@link putHalf} makes of a value; beyond the range of f16 an infinity. */
export function halfValue(value: number): number {
  return decodeHalf(encodeHalf(value, 'f16'), 'f16');
}

/** Two codes of four bits a byte: element j in the low and j + 16 in the high half, of 32. */
export function putNibbles(output: Uint8Array, at: number, codes: Uint8Array): void {
  for (let j = 0; j < 16; j++) output[at + j] = (codes[j] & 15) | ((codes[j + 16] & 15) << 4);
}

/** To the nearest whole number, halves away from 0, as C's roundf. */
export function roundAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

/** The number of the largest magnitude, with its sign; the first of equals. */
export function extreme(block: Float32Array): number {
  let found = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(found)) found = value;
  return found;
}

/** 1 / d in f32, and 0 where that has no finite value: such a block is rounded to 0. */
export function inverseOf(d: number): number {
  const inverse = Math.fround(1 / d);
  return Number.isFinite(inverse) ? inverse : 0;
}
