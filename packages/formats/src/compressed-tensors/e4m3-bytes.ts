import { FLOAT8_E4M3 } from '@compress/core';

const BYTES = new Map(
  [...FLOAT8_E4M3].flatMap((value, byte) => (Number.isFinite(value) ? [[value + 0, byte & 0xff]] : [])),
);
// Of the two zeros the one without a sign.
BYTES.set(0, 0);

/** The byte of an E4M3 number, or undefined for a number that is none. */
export function e4m3Byte(value: number): number | undefined {
  return BYTES.get(value);
}
