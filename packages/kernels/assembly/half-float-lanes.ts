/** 16-bit floats in the low halves of i32 lanes, and the f32 that they mean. */

import { entry } from './constants';

/** Loaded in loops rather than put together from immediates: see constants.ts. */
const MASKS = memory.data<i32>([0x7fff, 0x8000, 0x7c00, 0x7f800000, 0x7fffffff, 1, 0xfff - (112 << 23), 0x3f000000, 113 << 23, 0x7e00, 0x7fc0]);
const SCALES = memory.data<f32>([5192296858534827628530496329220096.0, 0.5]);

/** Exponent and fraction shifted into place are 2^-112 of the value, subnormals included; only infinities and NaN need their exponent set. */
// @ts-ignore: decorator
@inline
export function fromF16(bits: v128): v128 {
  const magnitude = v128.and(bits, entry(MASKS, 0)), sign = i32x4.shl(v128.and(bits, entry(MASKS, 1)), 16);
  const scaled = f32x4.mul(i32x4.shl(magnitude, 13), entry(SCALES, 0));
  const special = v128.and(i32x4.ge_s(magnitude, entry(MASKS, 2)), entry(MASKS, 3));
  return v128.or(v128.or(scaled, special), sign);
}

/**
 * Normal: half an ulp less one, and the last kept bit, are added before the cut, which carries into the exponent where it must. Subnormal: the addition
 * of 1/2, whose ulp is the smallest f16, rounds. Every NaN becomes the positive quiet one.
 */
// @ts-ignore: decorator
@inline
export function toF16(x: v128): v128 {
  const magnitude = v128.and(x, entry(MASKS, 4)), sign = v128.and(i32x4.shr_u(x, 16), entry(MASKS, 1));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), entry(MASKS, 5));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, entry(MASKS, 6)), odd), 13);
  const normal = i32x4.min_s(rounded, entry(MASKS, 2));
  const subnormal = i32x4.sub(f32x4.add(magnitude, entry(SCALES, 1)), entry(MASKS, 7));
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, entry(MASKS, 8)));
  return v128.bitselect(v128.or(finite, sign), entry(MASKS, 9), f32x4.eq(x, x));
}

// @ts-ignore: decorator
@inline
export function toBf16(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), entry(MASKS, 5));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(x, entry(MASKS, 0)), odd), 16);
  return v128.bitselect(rounded, entry(MASKS, 10), f32x4.eq(x, x));
}

/** The f32 nearest to positive lanes among the f16, or bf16, numbers that are positive and finite. */
// @ts-ignore: decorator
@inline
export function roundPositiveToF16(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(65504)), f32x4.splat(5.960464477539063e-8));
  return fromF16(toF16(bounded));
}

// @ts-ignore: decorator
@inline
export function roundPositiveToBf16(x: v128): v128 {
  const bounded = f32x4.pmin(x, f32x4.splat(3.3895313892515355e38));
  return f32x4.pmax(i32x4.shl(toBf16(bounded), 16), f32x4.splat(9.183549615799121e-41));
}
