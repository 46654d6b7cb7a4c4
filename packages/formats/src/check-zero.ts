import { CompressError } from '@compress/core';

/** A stored zero point of an asymmetric grid must be one of its codes, a symmetric one its middle. */
export function checkZero(zero: number, bits: number, symmetric: boolean, tensor: string): void {
  const middle = 2 ** (bits - 1);
  if (symmetric ? zero === middle : Number.isInteger(zero) && zero >= 0 && zero < 2 * middle) return;
  throw new CompressError(
    'not-representable',
    symmetric
      ? `The zero point ${zero} is not ${middle}, the only one of a symmetric grid of ${bits} bits.`
      : `The zero point ${zero} is no code of ${bits} bits.`,
    { tensor },
  );
}
