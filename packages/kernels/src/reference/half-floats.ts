import { checkDecode, checkEncode } from '../check-shapes/check-bytes.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { roundHalfEven } from './nearest-code.ts';

/** IEEE 754 binary16, or the upper half of an f32. */
export type HalfType = 'f16' | 'bf16';

/** An f16 is 1 sign, 5 exponent and 10 fraction bits, a bf16 1, 8 and 7. */
const FORMATS = {
  f16: { fractionBits: 10, smallestExponent: -14, infinity: 0x7c00, nan: 0x7e00 },
  bf16: { fractionBits: 7, smallestExponent: -126, infinity: 0x7f80, nan: 0x7fc0 },
};

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The 16 bits nearest to an f32, half to even, beyond the range an infinity. Every NaN becomes the one positive quiet NaN. */
export function encodeHalf(value: number, type: HalfType): number {
  const { fractionBits, smallestExponent, infinity, nan } = FORMATS[type];
  if (Number.isNaN(value)) return nan;
  float[0] = value;
  const sign = (floatBits[0] >>> 31) << 15;
  const exponent = Math.max(((floatBits[0] >>> 23) & 0xff) - 127, smallestExponent);
  // In units of the last place; the leading 1 of a normal number, and a carry of the rounding, add themselves to the exponent.
  const units = roundHalfEven(Math.abs(float[0]) * 2 ** (fractionBits - exponent));
  const code = (exponent - smallestExponent) * 2 ** fractionBits + units;
  return sign | Math.min(code, infinity);
}

/** The f32 that 16 bits mean. */
export function decodeHalf(bits: number, type: HalfType): number {
  const { fractionBits, smallestExponent, infinity } = FORMATS[type];
  const sign = bits & 0x8000 ? -1 : 1;
  const magnitude = bits & 0x7fff;
  if (magnitude > infinity) return Number.NaN;
  if (magnitude === infinity) return sign * Number.POSITIVE_INFINITY;
  const leading = 2 ** fractionBits;
  const biased = Math.floor(magnitude / leading);
  const units = (magnitude % leading) + (biased > 0 ? leading : 0);
  return sign * units * 2 ** (Math.max(biased - 1, 0) + smallestExponent - fractionBits);
}

/** Little-endian 16-bit floats to f32. */
export function decode(p: ParametersOf<'decode'>): void {
  checkDecode(p);
  for (let i = 0; i < p.output.length; i++)
    p.output[i] = decodeHalf(p.bytes[2 * i] | (p.bytes[2 * i + 1] << 8), p.type);
}

/** f32 to little-endian 16-bit floats. */
export function encode(p: ParametersOf<'encode'>): void {
  checkEncode(p);
  for (let i = 0; i < p.values.length; i++) {
    const bits = encodeHalf(p.values[i], p.type);
    p.output[2 * i] = bits & 0xff;
    p.output[2 * i + 1] = bits >>> 8;
  }
}
