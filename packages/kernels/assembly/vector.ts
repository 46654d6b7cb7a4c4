/** a * b + c: one rounding in the `fma` builds, two in the `mul-add` build. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** c - a * b, rounded like {@link multiplyAdd}. */
// @ts-ignore: decorator
@inline
export function multiplySubtract(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
}

/** c + the sums of the products of neighbouring i16: exact while c and they stay below 2^31. */
// @ts-ignore: decorator
@inline
export function dotAdd(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, b), c);
}

/** The sum of the four lanes, (0 + 1) + (2 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Whether multiply-adds round once, told by x * x - round(x * x), which is 2^-24 for x = 1 + 2^-12 and 0 when the product is rounded first. */
export function isFused(x: f32): bool {
  const square = x * x;
  return f32x4.extract_lane(multiplyAdd(f32x4.splat(x), f32x4.splat(x), f32x4.splat(-square)), 0) != 0;
}
