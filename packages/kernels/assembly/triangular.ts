import { STRIP, STRIP_BYTES, subtractPrior } from './strip';
import { transpose } from './transpose';
import { multiplyAdd, sumLanes } from './vector';

/** The largest triangle that the functions here take; larger ones are blocked by the host. */
const MAX_SIZE: i32 = 128;

const strip = memory.data(<i32>(MAX_SIZE * STRIP * 4), 16);

/** Cholesky of a block A[size, size], in place in its lower triangle. Returns 0, or 1 + the index of the first pivot that is not positive. */
export function choleskyBlock(size: i32, a: usize, stride: usize): i32 {
  for (let j = 0; j < size; j++) {
    const row = a + <usize>j * stride, diagonal = row + (<usize>j << 2);
    const pivot = load<f32>(diagonal) - dot(row, row, j);
    if (!(pivot > 0 && pivot < f32.MAX_VALUE)) return j + 1;
    const root = sqrt<f32>(pivot);
    store<f32>(diagonal, root);
    for (let i = j + 1; i < size; i++) {
      const other = a + <usize>i * stride, at = other + (<usize>j << 2);
      store<f32>(at, (load<f32>(at) - dot(other, row, j)) / root);
    }
  }
  return 0;
}

function dot(x: usize, y: usize, count: i32): f32 {
  let sums = f32x4.splat(0);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    sums = multiplyAdd(v128.load(x), v128.load(y), sums);
    x += 16;
    y += 16;
  }
  let sum = sumLanes(sums);
  for (; k < count; k++) {
    sum += load<f32>(x) * load<f32>(y);
    x += 4;
    y += 4;
  }
  return sum;
}

/** X[rows, size] becomes the solution of X L^T = X, for L[size, size] lower triangular. */
export function solveRows(size: i32, l: usize, lStride: usize, x: usize, xStride: usize, rows: i32): void {
  for (let first = 0; first < rows; first += STRIP) {
    const lanes = min(rows - first, STRIP), at = x + <usize>first * xStride;
    transpose(at, xStride, lanes, size, strip, STRIP_BYTES);
    substitute(size, l, lStride);
    transpose(strip, STRIP_BYTES, size, lanes, at, xStride);
  }
}

/** X[size, columns] becomes the solution of L X = X, for L[size, size] lower triangular. */
export function solveColumns(size: i32, l: usize, lStride: usize, x: usize, xStride: usize, columns: i32): void {
  for (let first = 0; first < columns; first += STRIP) {
    const bytes = <usize>min(columns - first, STRIP) << 2, at = x + (<usize>first << 2);
    for (let k = 0; k < size; k++) memory.copy(strip + <usize>k * STRIP_BYTES, at + <usize>k * xStride, bytes);
    substitute(size, l, lStride);
    for (let k = 0; k < size; k++) memory.copy(at + <usize>k * xStride, strip + <usize>k * STRIP_BYTES, bytes);
  }
}

/** Forward substitution of the strip's 32 right-hand sides. Lanes that hold nothing compute nonsense and are not read. */
function substitute(size: i32, l: usize, lStride: usize): void {
  for (let c = 0; c < size; c++) {
    const row = strip + <usize>c * STRIP_BYTES, coefficients = l + <usize>c * lStride;
    subtractPrior(row, strip, coefficients, c);
    const pivot = v128.load32_splat(coefficients + (<usize>c << 2));
    for (let v: usize = 0; v < STRIP_BYTES; v += 16) v128.store(row + v, f32x4.div(v128.load(row + v), pivot));
  }
}
