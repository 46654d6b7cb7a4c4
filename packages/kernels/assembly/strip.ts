/**
 * A strip holds 32 lanes of a matrix, [rows][32] f32 and contiguous, so that a few hundred rows stay in a first-level cache. Substitution,
 * the sweep and the descent all go down a strip row by row, and each row takes a combination of the rows before it.
 */
import { multiplyAdd, multiplySubtract } from './vector';

export const STRIP: i32 = 32;
export const STRIP_BYTES: usize = 128;

/** row[32] -= sum_k coefficients[k] prior[k][32], in the order of k. */
export function subtractPrior(row: usize, prior: usize, coefficients: usize, count: i32): void {
  let r0 = v128.load(row), r1 = v128.load(row, 16), r2 = v128.load(row, 32), r3 = v128.load(row, 48);
  let r4 = v128.load(row, 64), r5 = v128.load(row, 80), r6 = v128.load(row, 96), r7 = v128.load(row, 112);
  if (count > 0) do {
    const f = v128.load32_splat(coefficients);
    r0 = multiplySubtract(f, v128.load(prior), r0);
    r1 = multiplySubtract(f, v128.load(prior, 16), r1);
    r2 = multiplySubtract(f, v128.load(prior, 32), r2);
    r3 = multiplySubtract(f, v128.load(prior, 48), r3);
    r4 = multiplySubtract(f, v128.load(prior, 64), r4);
    r5 = multiplySubtract(f, v128.load(prior, 80), r5);
    r6 = multiplySubtract(f, v128.load(prior, 96), r6);
    r7 = multiplySubtract(f, v128.load(prior, 112), r7);
    prior += STRIP_BYTES;
    coefficients += 4;
  } while (--count);
  storeRow(row, r0, r1, r2, r3, r4, r5, r6, r7);
}

/** row[32] += sum_k coefficients[k] prior[k][32], in the order of k. */
export function addPrior(row: usize, prior: usize, coefficients: usize, count: i32): void {
  let r0 = v128.load(row), r1 = v128.load(row, 16), r2 = v128.load(row, 32), r3 = v128.load(row, 48);
  let r4 = v128.load(row, 64), r5 = v128.load(row, 80), r6 = v128.load(row, 96), r7 = v128.load(row, 112);
  if (count > 0) do {
    const f = v128.load32_splat(coefficients);
    r0 = multiplyAdd(f, v128.load(prior), r0);
    r1 = multiplyAdd(f, v128.load(prior, 16), r1);
    r2 = multiplyAdd(f, v128.load(prior, 32), r2);
    r3 = multiplyAdd(f, v128.load(prior, 48), r3);
    r4 = multiplyAdd(f, v128.load(prior, 64), r4);
    r5 = multiplyAdd(f, v128.load(prior, 80), r5);
    r6 = multiplyAdd(f, v128.load(prior, 96), r6);
    r7 = multiplyAdd(f, v128.load(prior, 112), r7);
    prior += STRIP_BYTES;
    coefficients += 4;
  } while (--count);
  storeRow(row, r0, r1, r2, r3, r4, r5, r6, r7);
}

// @ts-ignore: decorator
@inline
function storeRow(row: usize, r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128, r6: v128, r7: v128): void {
  v128.store(row, r0);
  v128.store(row, r1, 16);
  v128.store(row, r2, 32);
  v128.store(row, r3, 48);
  v128.store(row, r4, 64);
  v128.store(row, r5, 80);
  v128.store(row, r6, 96);
  v128.store(row, r7, 112);
}
