/**
 * A product with one row: sums[n] += weights[n, :] . x, straight from weights as they are stored. There is nothing to reuse, so packing panels would cost more than the
 * arithmetic. Every sum is the chains of multiply-adds that the micro-kernel makes (multiply.ts), so it has the same bits.
 */
import { multiplyAdd } from './vector';

/** Rows of weights at a time, a vector of sums for each four: one multiply-add waits for the last, so four chains keep the units busy. */
const ROWS: i32 = 16;

/** `weights` are contiguous rows of `depth`; chains are `block` long. Weights are read, and sums written, up to the next multiple of 16 rows. */
export function addRowProduct(weights: usize, rows: i32, depth: i32, block: i32, x: usize, sums: usize): void {
  const stride = <usize>depth << 2;
  for (let row = 0; row < rows; row += ROWS) {
    for (let start = 0; start < depth; start += block) {
      const at = <usize>start << 2;
      addChains(weights + at, stride, min(block, depth - start), x + at, sums);
    }
    weights += <usize>ROWS * stride;
    sums += ROWS * 4;
  }
}

function addChains(weights: usize, stride: usize, depth: i32, x: usize, sums: usize): void {
  const four = stride << 2;
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const x0 = v128.load32_splat(x), x1 = v128.load32_splat(x, 4), x2 = v128.load32_splat(x, 8), x3 = v128.load32_splat(x, 12);
    s0 = addFour(weights, stride, x0, x1, x2, x3, s0);
    s1 = addFour(weights + four, stride, x0, x1, x2, x3, s1);
    s2 = addFour(weights + 2 * four, stride, x0, x1, x2, x3, s2);
    s3 = addFour(weights + 3 * four, stride, x0, x1, x2, x3, s3);
    weights += 16;
    x += 16;
  }
  for (; k < depth; k++) {
    const x0 = v128.load32_splat(x);
    s0 = multiplyAdd(x0, column(weights, stride), s0);
    s1 = multiplyAdd(x0, column(weights + four, stride), s1);
    s2 = multiplyAdd(x0, column(weights + 2 * four, stride), s2);
    s3 = multiplyAdd(x0, column(weights + 3 * four, stride), s3);
    weights += 4;
    x += 4;
  }
  v128.store(sums, f32x4.add(v128.load(sums), s0));
  v128.store(sums, f32x4.add(v128.load(sums, 16), s1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), s2), 32);
  v128.store(sums, f32x4.add(v128.load(sums, 48), s3), 48);
}

/** Four steps of the chains of four rows: their block of 4 x 4 weights is transposed on the way. */
// @ts-ignore: decorator
@inline
function addFour(weights: usize, stride: usize, x0: v128, x1: v128, x2: v128, x3: v128, sum: v128): v128 {
  const a = v128.load(weights), b = v128.load(weights + stride);
  const c = v128.load(weights + 2 * stride), d = v128.load(weights + 3 * stride);
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  sum = multiplyAdd(x0, v128.shuffle<i64>(ab01, cd01, 0, 2), sum);
  sum = multiplyAdd(x1, v128.shuffle<i64>(ab01, cd01, 1, 3), sum);
  sum = multiplyAdd(x2, v128.shuffle<i64>(ab23, cd23, 0, 2), sum);
  return multiplyAdd(x3, v128.shuffle<i64>(ab23, cd23, 1, 3), sum);
}

/** One weight of each of four rows. */
// @ts-ignore: decorator
@inline
function column(weights: usize, stride: usize): v128 {
  let lanes = v128.load32_splat(weights);
  lanes = v128.load_lane<f32>(weights + stride, lanes, 1);
  lanes = v128.load_lane<f32>(weights + 2 * stride, lanes, 2);
  return v128.load_lane<f32>(weights + 3 * stride, lanes, 3);
}
