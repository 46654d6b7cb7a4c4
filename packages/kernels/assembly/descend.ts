/**
 * Coordinate descent over codes, one block of columns: with G = (Q - W) H, moving q_c by d changes a row's loss by d (2 G_c + d H_cc), least at
 * q_c - G_c / H_cc. Everything lies transposed, [columns][lanes], as in sweep.ts.
 */
import { STRIP, STRIP_BYTES, addPrior } from './strip';
import { loadMask, nearestCodes, nearestValues, storeCodes } from './sweep';

/** A move must gain this fraction of its terms, or it could be rounding: G is a sum in f32. */
const MARGIN: f32 = 1e-5;

/**
 * Visits `size` columns of one strip of 32 lanes. quantized, gradient, mask and codes are [size][lanes], `hessian` is H's block [size][size]. Leaves the moves in
 * `moves` [size][32].
 */
export function descendStrip(size: i32, quantized: usize, gradient: usize, stride: usize, hessian: usize, scales: usize, zeros: usize, group: usize, mask: usize, codes: usize, moves: usize): void {
  const wide = stride << 2;
  for (let c = 0; c < size; c++) {
    const row = moves + <usize>c * STRIP_BYTES, coefficients = hessian + (<usize>(c * size) << 2);
    memory.copy(row, gradient, STRIP_BYTES);
    addPrior(row, moves, coefficients, c);
    const curvature = v128.load32_splat(coefficients + (<usize>c << 2)), at = <usize>load<u32>(group + (<usize>c << 2)) * wide;
    for (let lane: usize = 0; lane < <usize>STRIP; lane += 4) {
      const v = lane << 2, slope = v128.load(row + v), current = v128.load(quantized + v);
      const scale = v128.load(scales + at + v), zero = v128.load(zeros + at + v);
      const target = f32x4.sub(current, f32x4.div(slope, curvature));
      const next = nearestValues(target, scale, zero, v), move = f32x4.sub(next, current);
      const linear = f32x4.mul(f32x4.add(slope, slope), move), square = f32x4.mul(f32x4.mul(move, move), curvature);
      const doubt = f32x4.mul(f32x4.add(f32x4.abs(linear), square), f32x4.splat(MARGIN));
      let accepted = f32x4.lt(f32x4.add(f32x4.add(linear, square), doubt), f32x4.splat(0));
      if (mask) accepted = v128.andnot(accepted, loadMask(mask + lane));
      v128.store(quantized + v, v128.bitselect(next, current, accepted));
      v128.store(row + v, v128.and(move, accepted));
      storeCodes(codes + lane, v128.bitselect(nearestCodes(target, scale, zero, v), loadCodes(codes + lane), accepted));
    }
    quantized += wide;
    gradient += wide;
    mask = mask ? mask + stride : 0;
    codes += stride;
  }
}

/** Four bytes as integers. */
// @ts-ignore: decorator
@inline
function loadCodes(codes: usize): v128 {
  return i32x4.extend_low_i16x8_u(v128.load8x8_u(codes));
}

/** sums[lanes] f64 += sum over the rows of a[rows][lanes] b[rows][lanes], with exact products. `lanes` is a multiple of 4. */
export function addLaneDots(rows: i32, lanes: i32, a: usize, b: usize, sums: usize): void {
  for (let lane = 0; lane < lanes; lane += 4) {
    let x = a + (<usize>lane << 2), y = b + (<usize>lane << 2);
    const at = sums + (<usize>lane << 3);
    let low = v128.load(at), high = v128.load(at, 16);
    for (let r = 0; r < rows; r++) {
      const u = v128.load(x), v = v128.load(y);
      low = f64x2.add(low, f64x2.mul(f64x2.promote_low_f32x4(u), f64x2.promote_low_f32x4(v)));
      high = f64x2.add(high, f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(u, u, 1, 0)), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0))));
      x += <usize>lanes << 2;
      y += <usize>lanes << 2;
    }
    v128.store(at, low);
    v128.store(at, high, 16);
  }
}

/** a -= b, elementwise; `count` is a multiple of 4. */
export function subtract(a: usize, b: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    v128.store(a, f32x4.sub(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
}
