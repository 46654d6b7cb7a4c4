/**
 * Packing: a matrix P[count, depth] becomes panels of `width` of its rows, each [depth][width], so that the micro-kernel reads
 * both operands front to back. Panels lie `panelStride` bytes apart; a last panel with fewer rows is filled up with zeros. `sign` is
 * xor-ed into every float: 0, or 0x80000000 to pack -P.
 */
import { TILE_COLUMNS, TILE_ROWS } from './tile';

export function tileRows(): i32 {
  return TILE_ROWS;
}

export function tileColumns(): i32 {
  return TILE_COLUMNS;
}

/** P lies by rows: P[p, k] at source + p * stride + 4 k. */
export function packRows(source: usize, stride: usize, count: i32, depth: i32, width: i32, target: usize, panelStride: usize, sign: i32): void {
  const step = <usize>width << 2;
  for (let first = 0; first < count; first += width) {
    const present = min(count - first, width);
    let q = 0;
    for (; q + 4 <= present; q += 4) {
      packFourRows(source + <usize>(first + q) * stride, stride, depth, target + (<usize>q << 2), step, sign);
    }
    for (; q < present; q++) {
      let from = source + <usize>(first + q) * stride, to = target + (<usize>q << 2);
      for (let k = 0; k < depth; k++) {
        store<i32>(to, load<i32>(from) ^ sign);
        from += 4;
        to += step;
      }
    }
    if (q < width) fillWithZeros(target, q, width, depth);
    target += panelStride;
  }
}

/** Four rows at a time, transposed in registers by 4 x 4 blocks. */
function packFourRows(row0: usize, stride: usize, depth: i32, to: usize, step: usize, sign: i32): void {
  let row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride;
  const signs = i32x4.splat(sign);
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const a = v128.xor(v128.load(row0), signs), b = v128.xor(v128.load(row1), signs);
    const c = v128.xor(v128.load(row2), signs), d = v128.xor(v128.load(row3), signs);
    const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(ab01, cd01, 0, 2));
    v128.store(to + step, v128.shuffle<i64>(ab01, cd01, 1, 3));
    v128.store(to + 2 * step, v128.shuffle<i64>(ab23, cd23, 0, 2));
    v128.store(to + 3 * step, v128.shuffle<i64>(ab23, cd23, 1, 3));
    row0 += 16;
    row1 += 16;
    row2 += 16;
    row3 += 16;
    to += 4 * step;
  }
  for (; k < depth; k++) {
    store<i32>(to, load<i32>(row0) ^ sign);
    store<i32>(to, load<i32>(row1) ^ sign, 4);
    store<i32>(to, load<i32>(row2) ^ sign, 8);
    store<i32>(to, load<i32>(row3) ^ sign, 12);
    row0 += 4;
    row1 += 4;
    row2 += 4;
    row3 += 4;
    to += step;
  }
}

/** P lies by columns: P[p, k] at source + k * stride + 4 p. */
export function packColumns(source: usize, stride: usize, count: i32, depth: i32, width: i32, target: usize, panelStride: usize, sign: i32): void {
  const signs = i32x4.splat(sign), step = <usize>width << 2;
  for (let first = 0; first < count; first += width) {
    const present = min(count - first, width);
    let from = source + (<usize>first << 2), to = target;
    if (present == width && width >= 4) copyVectors(from, stride, depth, to, step, signs);
    else {
      for (let k = 0; k < depth; k++) {
        for (let q = 0; q < present; q++) store<i32>(to + (<usize>q << 2), load<i32>(from + (<usize>q << 2)) ^ sign);
        from += stride;
        to += step;
      }
      fillWithZeros(target, present, width, depth);
    }
    target += panelStride;
  }
}

/** Whole rows of a panel, `step` bytes each: vectors from the front, and a last one that ends with the row and overlaps the one before it. */
function copyVectors(from: usize, stride: usize, depth: i32, to: usize, step: usize, signs: v128): void {
  const last = step - 16;
  for (let k = 0; k < depth; k++) {
    for (let at: usize = 0; at < last; at += 16) v128.store(to + at, v128.xor(v128.load(from + at), signs));
    v128.store(to + last, v128.xor(v128.load(from + last), signs));
    from += stride;
    to += step;
  }
}

function fillWithZeros(panel: usize, from: i32, width: i32, depth: i32): void {
  for (let k = 0; k < depth; k++) {
    for (let q = from; q < width; q++) store<f32>(panel + (<usize>(k * width + q) << 2), 0);
  }
}
