import { exp } from './exponential';

/** The largest of `count` floats that is no NaN; -Infinity of none. */
export function largestOf(row: usize, count: i32): f32 {
  let largest = f32x4.splat(-Infinity), i = 0;
  for (; i + 4 <= count; i += 4) largest = f32x4.pmax(largest, v128.load(row + (<usize>i << 2)));
  largest = f32x4.pmax(largest, tail(row, i, count));
  largest = f32x4.pmax(largest, v128.shuffle<i64>(largest, largest, 1, 0));
  return max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1));
}

/** sum e^(x - largest) in f64. */
export function sumOfExponentials(row: usize, count: i32, largest: f32): f64 {
  const shift = f32x4.splat(largest);
  let left = f64x2.splat(0), right = f64x2.splat(0), i = 0;
  for (; i < count; i += 4) {
    const x = i + 4 <= count ? v128.load(row + (<usize>i << 2)) : tail(row, i, count);
    const e = exp(f32x4.sub(x, shift));
    left = f64x2.add(left, f64x2.promote_low_f32x4(e));
    right = f64x2.add(right, f64x2.promote_low_f32x4(v128.shuffle<i64>(e, e, 1, 1)));
  }
  const pairs = f64x2.add(left, right);
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** Floats [from, count), fewer than four, filled up with -Infinity. */
function tail(row: usize, from: i32, count: i32): v128 {
  let x = f32x4.splat(-Infinity);
  if (from < count) x = f32x4.replace_lane(x, 0, load<f32>(row + (<usize>from << 2)));
  if (from + 1 < count) x = f32x4.replace_lane(x, 1, load<f32>(row + (<usize>from << 2), 4));
  if (from + 2 < count) x = f32x4.replace_lane(x, 2, load<f32>(row + (<usize>from << 2), 8));
  return x;
}
