/**
 * Symmetric rounding of rows: codes are roundHalfEven(x / scale) within +-limit. A `scale` of 0 stands for one of each row, its absmax / limit, at
 * least 2^-126 so that no quotient overflows. NaN stays NaN; a row with an infinity and a scale of its own becomes NaN.
 */

/** In place: x becomes code * scale. */
export function fakeQuantizeRows(x: usize, rows: i32, columns: i32, limit: f32, scale: f32): void {
  for (let r = 0; r < rows; r++) {
    const own = scale == 0 ? scaleOf(x, columns, limit) : scale;
    const s = f32x4.splat(own), most = f32x4.splat(limit);
    let c = 0;
    for (; c + 4 <= columns; c += 4) {
      v128.store(x, f32x4.mul(nearestWithin(f32x4.div(v128.load(x), s), most), s));
      x += 16;
    }
    for (; c < columns; c++) {
      store<f32>(x, f32x4.extract_lane(f32x4.mul(nearestWithin(f32x4.div(v128.load32_splat(x), s), most), s), 0));
      x += 4;
    }
  }
}

/** Codes to `codes`, the scale of each row to `scales`. */
export function encodeInt8Rows(x: usize, rows: i32, columns: i32, limit: f32, scale: f32, codes: usize, scales: usize): void {
  for (let r = 0; r < rows; r++) {
    const own = scale == 0 ? scaleOf(x, columns, limit) : scale;
    const s = f32x4.splat(own), most = f32x4.splat(limit);
    store<f32>(scales, own);
    scales += 4;
    let c = 0;
    for (; c + 16 <= columns; c += 16) {
      const low = i16x8.narrow_i32x4_s(integers(v128.load(x), s, most), integers(v128.load(x, 16), s, most));
      const high = i16x8.narrow_i32x4_s(integers(v128.load(x, 32), s, most), integers(v128.load(x, 48), s, most));
      v128.store(codes, i8x16.narrow_i16x8_s(low, high));
      x += 64;
      codes += 16;
    }
    for (; c < columns; c++) {
      store<i8>(codes, <i8>i32x4.extract_lane(integers(v128.load32_splat(x), s, most), 0));
      x += 4;
      codes++;
    }
  }
}

function scaleOf(x: usize, columns: i32, limit: f32): f32 {
  let most = f32x4.splat(0);
  let c = 0;
  for (; c + 4 <= columns; c += 4) {
    most = f32x4.max(most, f32x4.abs(v128.load(x)));
    x += 16;
  }
  for (; c < columns; c++) {
    most = f32x4.max(most, f32x4.abs(v128.load32_splat(x)));
    x += 4;
  }
  const absmax = max(max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
  return max(absmax / limit, SMALLEST);
}

/** 2^-126, the smallest normal f32. */
const SMALLEST: f32 = 1.1754943508222875e-38;

/** Codes as f32; the sum makes 0 of -0. */
// @ts-ignore: decorator
@inline
function nearestWithin(ratio: v128, limit: v128): v128 {
  return f32x4.max(f32x4.min(f32x4.add(f32x4.nearest(ratio), f32x4.splat(0)), limit), f32x4.neg(limit));
}

// @ts-ignore: decorator
@inline
function integers(x: v128, scale: v128, limit: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(nearestWithin(f32x4.div(x, scale), limit));
}
