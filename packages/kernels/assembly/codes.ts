/**
 * Codes of weights and values of codes. A row is cut into runs, [first, end, group] of i32 each: neighbouring columns that share a group, hence a scale.
 * Rows of weights and codes are `columns` long, rows of scales and zeros `groups`.
 */
import { lowBytes, nearestIntegerCodes, nearestLevelCodes } from './rounding';

/**
 * With `levelCount` 0 the grid is integer, and `thresholds` is not read; otherwise each of them lies there four times, and the next row's are
 * `tableBytes` further on.
 */
export function quantizeRows(weight: usize, rows: i32, columns: i32, runs: usize, runCount: i32, scales: usize, zeros: usize, groups: i32, maxCode: f32, thresholds: usize, levelCount: i32, tableBytes: usize, codes: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let run = runs, end = runs + <usize>(runCount * 12); run < end; run += 12) {
      const first = load<i32>(run), count = load<i32>(run, 4) - first, group = <usize>load<i32>(run, 8) << 2;
      const from = weight + (<usize>first << 2), to = codes + first;
      if (levelCount) quantizeTable(from, count, load<f32>(scales + group), thresholds, levelCount, to);
      else quantizeInteger(from, count, load<f32>(scales + group), load<f32>(zeros + group), maxCode, to);
    }
    weight += <usize>columns << 2;
    thresholds += tableBytes;
    codes += columns;
    scales += <usize>groups << 2;
    zeros += <usize>groups << 2;
  }
}

function quantizeInteger(weight: usize, count: i32, scale: f32, zero: f32, maxCode: f32, codes: usize): void {
  const s = f32x4.splat(scale), z = f32x4.splat(zero), m = f32x4.splat(maxCode);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const a = nearestIntegerCodes(f32x4.div(v128.load(weight), s), z, m), b = nearestIntegerCodes(f32x4.div(v128.load(weight, 16), s), z, m);
    storeEight(codes, lowBytes(a), lowBytes(b));
    weight += 32;
    codes += 8;
  }
  for (; i < count; i++) {
    store<u8>(codes, i32x4.extract_lane(lowBytes(nearestIntegerCodes(f32x4.div(v128.load32_splat(weight), s), z, m)), 0));
    weight += 4;
    codes++;
  }
}

function quantizeTable(weight: usize, count: i32, scale: f32, thresholds: usize, levelCount: i32, codes: usize): void {
  const s = f32x4.splat(scale);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const a = nearestLevelCodes(f32x4.div(v128.load(weight), s), thresholds, levelCount, 16);
    storeEight(codes, a, nearestLevelCodes(f32x4.div(v128.load(weight, 16), s), thresholds, levelCount, 16));
    weight += 32;
    codes += 8;
  }
  for (; i < count; i++) {
    store<u8>(codes, i32x4.extract_lane(nearestLevelCodes(f32x4.div(v128.load32_splat(weight), s), thresholds, levelCount, 16), 0));
    weight += 4;
    codes++;
  }
}

// @ts-ignore: decorator
@inline
function storeEight(codes: usize, a: v128, b: v128): void {
  const words = i16x8.narrow_i32x4_u(a, b);
  v128.store64_lane(codes, i8x16.narrow_i16x8_u(words, words), 0);
}

/** With `levelCount` 0 the grid is integer, and `levels` is not read; otherwise a table has room for 256, and the next row's is `tableBytes` further on. */
export function dequantizeRows(codes: usize, rows: i32, columns: i32, runs: usize, runCount: i32, scales: usize, zeros: usize, groups: i32, levels: usize, levelCount: i32, tableBytes: usize, output: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let run = runs, end = runs + <usize>(runCount * 12); run < end; run += 12) {
      const first = load<i32>(run), count = load<i32>(run, 4) - first, group = <usize>load<i32>(run, 8) << 2;
      const from = codes + first, to = output + (<usize>first << 2);
      if (levelCount) dequantizeTable(from, count, load<f32>(scales + group), levels, to);
      else dequantizeInteger(from, count, load<f32>(scales + group), load<f32>(zeros + group), to);
    }
    codes += columns;
    levels += tableBytes;
    output += <usize>columns << 2;
    scales += <usize>groups << 2;
    zeros += <usize>groups << 2;
  }
}

function dequantizeInteger(codes: usize, count: i32, scale: f32, zero: f32, output: usize): void {
  const s = f32x4.splat(scale), z = f32x4.splat(zero);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const words = v128.load8x8_u(codes);
    v128.store(output, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(words)), z), s));
    v128.store(output, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(words)), z), s), 16);
    codes += 8;
    output += 32;
  }
  for (; i < count; i++) {
    store<f32>(output, (<f32>load<u8>(codes) - zero) * scale);
    codes++;
    output += 4;
  }
}

function dequantizeTable(codes: usize, count: i32, scale: f32, levels: usize, output: usize): void {
  const s = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    let values = v128.load32_splat(levels + (<usize>load<u8>(codes) << 2));
    values = v128.load32_lane(levels + (<usize>load<u8>(codes, 1) << 2), values, 1);
    values = v128.load32_lane(levels + (<usize>load<u8>(codes, 2) << 2), values, 2);
    values = v128.load32_lane(levels + (<usize>load<u8>(codes, 3) << 2), values, 3);
    v128.store(output, f32x4.mul(values, s));
    codes += 4;
    output += 16;
  }
  for (; i < count; i++) {
    store<f32>(output, load<f32>(levels + (<usize>load<u8>(codes) << 2)) * scale);
    codes++;
    output += 4;
  }
}
