/** 8-bit scales in f32 lanes. */

/** The f32 nearest to lanes >= 0 among the positive E4M3 numbers, half to even: steps of 2^-9 below 2^-6, eighths of a power of two above. */
// @ts-ignore: decorator
@inline
export function roundPositiveToE4m3(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, f32x4.splat(448)), f32x4.splat(0.001953125));
  const odd = v128.and(i32x4.shr_u(bounded, 20), i32x4.splat(1));
  const normal = v128.and(i32x4.add(i32x4.add(bounded, i32x4.splat(0x7ffff)), odd), i32x4.splat(~0xfffff));
  const subnormal = f32x4.mul(f32x4.nearest(f32x4.mul(bounded, f32x4.splat(512))), f32x4.splat(0.001953125));
  return v128.bitselect(subnormal, normal, f32x4.lt(bounded, f32x4.splat(0.015625)));
}

/** The first power of two above lanes >= 0, from 2^-126 to 2^127. */
// @ts-ignore: decorator
@inline
export function nextPowerOfTwo(x: v128): v128 {
  const bounded = f32x4.pmin(x, f32x4.splat(8.507059173023462e37));
  return v128.and(i32x4.add(bounded, i32x4.splat(0x00800000)), i32x4.splat(0x7f800000));
}
