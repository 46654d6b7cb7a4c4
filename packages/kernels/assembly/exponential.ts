import { entry } from './constants';
import { multiplyAdd, multiplySubtract } from './vector';

/** 1.5 * 2^23, in bits 0x4b400000: adding it to a small number leaves that number, rounded half to even, in the low bits of the sum. */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;

/** The lowest argument, {@link ROUNDER}, the polynomial from its highest power to 1, and what takes the rounder's bits to those of an exponent. */
const EXP2 = memory.data<f32>([-127, ROUNDER, 0.00015353360504377633, 0.0013398875016719103, 0.00961843691766262, 0.055503323674201965, 0.24022647738456726, 0.6931471824645996, 1]);
const INTEGERS = memory.data<i32>([127 - ROUNDER_BITS, ROUNDER_BITS, 127]);

/**
 * 2^x of lanes that are <= 0 or NaN, to about 1 ulp; exactly 1 at 0, and 0 below 2^-126.5. The fraction goes through a polynomial (minimax of
 * relative error, 2e-9), the integer into the exponent.
 */
// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  const bounded = f32x4.pmax(x, entry(EXP2, 0));
  const shifted = f32x4.add(bounded, entry(EXP2, 1));
  const r = f32x4.sub(bounded, f32x4.sub(shifted, entry(EXP2, 1)));
  let p = multiplyAdd(r, entry(EXP2, 2), entry(EXP2, 3));
  p = multiplyAdd(p, r, entry(EXP2, 4));
  p = multiplyAdd(p, r, entry(EXP2, 5));
  p = multiplyAdd(p, r, entry(EXP2, 6));
  p = multiplyAdd(p, r, entry(EXP2, 7));
  p = multiplyAdd(p, r, entry(EXP2, 8));
  return f32x4.mul(p, i32x4.shl(i32x4.add(shifted, entry(INTEGERS, 0)), 23));
}

/** The lowest argument, 1 / log 2, {@link ROUNDER}, the two parts of log 2, and the polynomial from its highest power to 1 / 2, then 1. */
const EXP = memory.data<f32>([-104, 1.4426950408889634, ROUNDER, 0.693359375, -0.00021219444, 0.0013814599951729178, 0.008368715643882751, 0.04166838899254799, 0.1666652113199234, 0.4999999403953552, 1]);

/**
 * e^x of lanes that are <= 0 or NaN, to about 1 ulp, subnormal results included. x = n log 2 + r with log 2 in two parts (Cody and Waite, 1980),
 * then a polynomial in r (3e-9); 2^n is applied in two factors, because 2^-150 is no f32 but its product may be.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmax(x, entry(EXP, 0));
  const shifted = multiplyAdd(bounded, entry(EXP, 1), entry(EXP, 2));
  const n = f32x4.sub(shifted, entry(EXP, 2));
  const r = multiplySubtract(n, entry(EXP, 4), multiplySubtract(n, entry(EXP, 3), bounded));
  let p = multiplyAdd(r, entry(EXP, 5), entry(EXP, 6));
  p = multiplyAdd(p, r, entry(EXP, 7));
  p = multiplyAdd(p, r, entry(EXP, 8));
  p = multiplyAdd(p, r, entry(EXP, 9));
  p = f32x4.add(multiplyAdd(p, f32x4.mul(r, r), r), entry(EXP, 10));
  const exponent = i32x4.sub(shifted, entry(INTEGERS, 1)), half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
}

// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, entry(INTEGERS, 2)), 23);
}
