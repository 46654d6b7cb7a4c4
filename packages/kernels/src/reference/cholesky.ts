import { checkSquare } from '../check-shapes/check-operand.ts';
import { checkInverseFactor } from '../check-shapes/check-second-order.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Matrix } from '../matrix.ts';
import { choleskyInPlace, invertLowerInPlace } from './triangular.ts';

/** In place: L with L L^T = matrix, zeros above. Returns 0, or 1 + the index of the first pivot that is not positive. */
export function cholesky(matrix: Matrix): number {
  checkSquare('matrix', matrix);
  const n = matrix.rows;
  const a = Float64Array.from(matrix.data);
  const failed = choleskyInPlace(a, n);
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
  matrix.data.set(a);
  return failed;
}

/** In place: a lower triangular matrix becomes its inverse. What lies above the diagonal is left alone. */
export function invertLower(matrix: Matrix): void {
  checkSquare('matrix', matrix);
  const a = Float64Array.from(matrix.data);
  invertLowerInPlace(a, matrix.rows);
  matrix.data.set(a);
}

/**
 * U upper triangular with hessian^-1 = U^T U. With P the reversal of the order, P H P = L L^T gives U = P L^-1 P, so neither H^-1
 * nor a second factorization is needed. Returns 0, or 1 + the index of the column that was not positive.
 */
export function inverseFactor(p: ParametersOf<'inverseFactor'>): number {
  checkInverseFactor(p);
  const n = p.hessian.rows;
  const a = Float64Array.from(p.hessian.data).reverse();
  const failed = choleskyInPlace(a, n);
  if (failed > 0) return n - failed + 1;
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
  invertLowerInPlace(a, n);
  p.output.data.set(a.reverse());
  return 0;
}
