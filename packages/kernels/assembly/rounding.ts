/** The maps of a grid in f32, as the host's code-grid.ts defines them. */

/**
 * Four weights over their scales to the level nearest to each: `thresholds` are the count - 1 bounds between `levels`, each a vector, `stride` bytes apart: a
 * lane may have a table of its own. Every level is looked at: tables are short, and lanes go different ways.
 */
// @ts-ignore: decorator
@inline
export function nearestLevels(ratio: v128, levels: usize, thresholds: usize, count: i32, stride: usize): v128 {
  let nearest = v128.load(levels);
  for (let i = 1; i < count; i++) {
    const above = f32x4.gt(ratio, v128.load(thresholds));
    levels += stride;
    thresholds += stride;
    nearest = v128.bitselect(v128.load(levels), nearest, above);
  }
  return nearest;
}

/** The number of thresholds below each of four ratios, laid out as for {@link nearestLevels}. */
// @ts-ignore: decorator
@inline
export function nearestLevelCodes(ratio: v128, thresholds: usize, count: i32, stride: usize): v128 {
  let codes = i32x4.splat(0);
  for (let i = 1; i < count; i++) {
    codes = i32x4.sub(codes, f32x4.gt(ratio, v128.load(thresholds)));
    thresholds += stride;
  }
  return codes;
}

/** clamp(roundHalfEven(ratio) + zero, 0, maxCode); 0 of NaN. */
// @ts-ignore: decorator
@inline
export function nearestIntegerCodes(ratio: v128, zero: v128, maxCode: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.splat(0), f32x4.add(f32x4.nearest(ratio), zero)), maxCode);
}

/** 2^23: adding it to an integer of 0..255 leaves that integer in the low byte. */
const TO_INTEGER: f32 = 8388608;

/** Codes held as f32 to integers. */
// @ts-ignore: decorator
@inline
export function lowBytes(codes: v128): v128 {
  return v128.and(f32x4.add(codes, f32x4.splat(TO_INTEGER)), i32x4.splat(0xff));
}
