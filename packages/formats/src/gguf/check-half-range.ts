import { CompressError } from '@compress/core';

/** The least magnitude that f16 does not round to a finite number. */
const LIMIT = 65520;

/** Throws `CompressError` `not-representable` unless all values have one in f16. */
export function checkHalfRange(values: Float32Array, file: string, tensor: string): void {
  const value = values.find((x) => !(Math.abs(x) < LIMIT));
  if (value === undefined) return;
  throw new CompressError('not-representable', `The weight ${value} is beyond the range of F16.`, { file, tensor });
}
