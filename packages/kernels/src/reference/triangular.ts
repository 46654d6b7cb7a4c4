/** Row-major `[n, n]` in f64, in place. */

/** The lower triangle becomes L with L L^T = matrix. Returns 0, or 1 + the index of the first pivot that is not positive. */
export function choleskyInPlace(a: Float64Array, n: number): number {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (j < i) a[i * n + j] = sum / a[j * n + j];
      else if (sum > 0 && sum < Number.POSITIVE_INFINITY) a[i * n + i] = Math.sqrt(sum);
      else return i + 1;
    }
  }
  return 0;
}

/** A lower triangular matrix becomes its inverse, row by row: X_i = (e_i - sum_{k<i} L_ik X_k) / L_ii. */
export function invertLowerInPlace(a: Float64Array, n: number): void {
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    row.fill(0, 0, i);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = a[i * n + k];
      for (let j = 0; j <= k; j++) row[j] -= factor * a[k * n + j];
    }
    const pivot = a[i * n + i];
    for (let j = 0; j <= i; j++) a[i * n + j] = row[j] / pivot;
  }
}
