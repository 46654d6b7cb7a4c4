/** A matrix whose rows are plain arrays of f64: tests of second-order algorithms compute with these once more, slowly and without any factorization. */
export type Rows = readonly (readonly number[])[];

/** x with matrix x = right, by Gauss-Jordan with pivoting. */
export function solve(matrix: Rows, right: readonly number[]): number[] {
  const n = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c; r < n; r++) if (Math.abs(a[r][c]) > Math.abs(a[pivot][c])) pivot = r;
    [a[c], a[pivot]] = [a[pivot], a[c]];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = a[r][c] / a[c][c];
      for (let k = c; k <= n; k++) a[r][k] -= factor * a[c][k];
    }
  }
  return a.map((row, i) => row[n] / row[i]);
}

/** (w - v) H (w - v)^T of one row. */
export function rowLoss(w: readonly number[], v: readonly number[], hessian: Rows): number {
  const error = w.map((value, c) => value - v[c]);
  return hessian.reduce((sum, row, i) => sum + error[i] * row.reduce((dot, h, j) => dot + h * error[j], 0), 0);
}
