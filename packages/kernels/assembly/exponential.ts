import { multiplyAdd, multiplySubtract } from './vector';

/** 1.5 * 2^23: adding it to a small number leaves that number, rounded half to even, in the low bits of the sum. */
const ROUNDER: f32 = 12582912;
const ROUNDER_BITS: i32 = 0x4b400000;

/**
 * 2^x of lanes that are <= 0 or NaN, to about 1 ulp; exactly 1 at 0, and 0 below 2^-126.5. The fraction goes through a polynomial (minimax of
 * relative error, 2e-9), the integer into the exponent.
 */
// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(-127));
  const shifted = f32x4.add(bounded, f32x4.splat(ROUNDER));
  const r = f32x4.sub(bounded, f32x4.sub(shifted, f32x4.splat(ROUNDER)));
  let p = multiplyAdd(r, f32x4.splat(0.00015353360504377633), f32x4.splat(0.0013398875016719103));
  p = multiplyAdd(p, r, f32x4.splat(0.00961843691766262));
  p = multiplyAdd(p, r, f32x4.splat(0.055503323674201965));
  p = multiplyAdd(p, r, f32x4.splat(0.24022647738456726));
  p = multiplyAdd(p, r, f32x4.splat(0.6931471824645996));
  p = multiplyAdd(p, r, f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(shifted, i32x4.splat(127 - ROUNDER_BITS)), 23);
  return f32x4.mul(p, power);
}

/**
 * e^x of lanes that are <= 0 or NaN, to about 1 ulp, subnormal results included. x = n log 2 + r with log 2 in two parts (Cody and Waite, 1980),
 * then a polynomial in r (3e-9); 2^n is applied in two factors, because 2^-150 is no f32 but its product may be.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(-104));
  const shifted = multiplyAdd(bounded, f32x4.splat(1.4426950408889634), f32x4.splat(ROUNDER));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDER));
  let r = multiplySubtract(n, f32x4.splat(0.693359375), bounded);
  r = multiplySubtract(n, f32x4.splat(-0.00021219444), r);
  let p = multiplyAdd(r, f32x4.splat(0.0013814599951729178), f32x4.splat(0.008368715643882751));
  p = multiplyAdd(p, r, f32x4.splat(0.04166838899254799));
  p = multiplyAdd(p, r, f32x4.splat(0.1666652113199234));
  p = multiplyAdd(p, r, f32x4.splat(0.4999999403953552));
  p = multiplyAdd(p, f32x4.mul(r, r), r);
  p = f32x4.add(p, f32x4.splat(1));
  const exponent = i32x4.sub(shifted, i32x4.splat(ROUNDER_BITS)), half = i32x4.shr_s(exponent, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(exponent, half)));
}

// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}
