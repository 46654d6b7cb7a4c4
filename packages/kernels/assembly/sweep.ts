/**
 * The columns of one block of the sweep of GPTQ (Frantar et al., 2022) and SparseGPT. Weights lie transposed, [columns][lanes]: a column is contiguous and a
 * lane is an output row. A column's compensation by the block's earlier columns is taken just before it is rounded, in the order of those
 * columns: the same chain as one rank-1 update after another, without writing the block again for each.
 */
import { lowBytes, nearestIntegerCodes, nearestLevelCodes, nearestLevels } from './rounding';
import { STRIP, STRIP_BYTES, subtractPrior } from './strip';

/** How columns are rounded: see {@link setGrid}. */
let gridKind: i32 = 0;
let maxCode: f32 = 0;
let levels: usize = 0;
let thresholds: usize = 0;
let levelCount: i32 = 0;
let levelStride: usize = 0;
/** Lanes have tables of their own: all ones, to go from lane to lane; otherwise 0. */
let laneMask: usize = 0;

/**
 * The grid of the strips that follow: kind 0 none, 1 integer, 2 table of `count` levels and count - 1 thresholds. A level is a vector of four, or with
 * `ownTables` of as many as there are lanes, and `stride` bytes are from one to the next.
 */
export function setGrid(kind: i32, largest: f32, table: usize, bounds: usize, count: i32, stride: usize, ownTables: bool): void {
  gridKind = kind;
  levelStride = stride;
  laneMask = ownTables ? usize.MAX_VALUE : 0;
  maxCode = largest;
  levels = table;
  thresholds = bounds;
  levelCount = count;
}

/** The codes, as integers, of four weights; `lane` is where these lanes begin, in bytes. */
// @ts-ignore: decorator
@inline
export function nearestCodes(weight: v128, scale: v128, zero: v128, lane: usize): v128 {
  const ratio = f32x4.div(weight, scale);
  if (gridKind == 2) return nearestLevelCodes(ratio, thresholds + (lane & laneMask), levelCount, levelStride);
  return lowBytes(nearestIntegerCodes(ratio, zero, f32x4.splat(maxCode)));
}

/** The values of the codes nearest to four weights. */
// @ts-ignore: decorator
@inline
export function nearestValues(weight: v128, scale: v128, zero: v128, lane: usize): v128 {
  const ratio = f32x4.div(weight, scale), at = lane & laneMask;
  if (gridKind == 2) return f32x4.mul(nearestLevels(ratio, levels + at, thresholds + at, levelCount, levelStride), scale);
  return f32x4.mul(f32x4.sub(nearestIntegerCodes(ratio, zero, f32x4.splat(maxCode)), zero), scale);
}

/** Stores four codes as bytes. */
// @ts-ignore: decorator
@inline
export function storeCodes(codes: usize, four: v128): void {
  const words = i16x8.narrow_i32x4_u(four, four);
  v128.store32_lane(codes, i8x16.narrow_i16x8_u(words, words), 0);
}

/** Four mask bytes as lanes of all ones (pruned) or zeros. */
// @ts-ignore: decorator
@inline
export function loadMask(mask: usize): v128 {
  const words = v128.load8x8_u(mask);
  return i32x4.ne(i32x4.extend_low_i16x8_u(words), i32x4.splat(0));
}

/**
 * Rounds `size` columns of one strip of 32 lanes. weight, mask and codes are [size][lanes] (rows `stride` f32 or bytes apart), factor is the
 * block of U transposed, [size][size]; scales and zeros are [groups][lanes], `group` holds one index for each column. Leaves the errors e in
 * `errors` [size][32] and adds sum e^2 to `loss` [32] f64. mask and codes may be 0.
 */
export function sweepStrip(size: i32, weight: usize, stride: usize, factor: usize, scales: usize, zeros: usize, group: usize, mask: usize, codes: usize, errors: usize, loss: usize): void {
  const wide = stride << 2;
  for (let c = 0; c < size; c++) {
    const row = errors + <usize>c * STRIP_BYTES, coefficients = factor + (<usize>(c * size) << 2);
    memory.copy(row, weight, STRIP_BYTES);
    subtractPrior(row, errors, coefficients, c);
    const pivot = v128.load32_splat(coefficients + (<usize>c << 2)), at = gridKind ? <usize>load<u32>(group + (<usize>c << 2)) * wide : 0;
    for (let lane: usize = 0; lane < <usize>STRIP; lane += 4) {
      const v = lane << 2, w = v128.load(row + v);
      let target = w, q = w;
      if (mask) target = v128.andnot(target, loadMask(mask + lane));
      if (gridKind) {
        const scale = v128.load(scales + at + v), zero = v128.load(zeros + at + v);
        q = nearestValues(target, scale, zero, v);
        if (codes) storeCodes(codes + lane, nearestCodes(target, scale, zero, v));
      }
      if (mask) q = v128.andnot(q, loadMask(mask + lane));
      const error = f32x4.div(f32x4.sub(w, q), pivot);
      v128.store(weight + v, q);
      v128.store(row + v, error);
      addSquares(loss + (lane << 3), error);
    }
    weight += wide;
    mask = mask ? mask + stride : 0;
    codes = codes ? codes + stride : 0;
  }
}

/** Four f64 sums += four squares, exact products. */
// @ts-ignore: decorator
@inline
function addSquares(sums: usize, x: v128): void {
  const low = f64x2.promote_low_f32x4(x), high = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0));
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.mul(low, low)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.mul(high, high)), 16);
}
