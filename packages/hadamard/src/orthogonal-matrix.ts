import type { RandomStream } from '@compress/core';

/**
 * A random orthogonal matrix `[size, size]`, uniform over all of them: rows of standard normal numbers made orthonormal one after the other
 * (Gram-Schmidt, twice, which leaves no more than rounding).
 */
export function orthogonalMatrix(size: number, random: RandomStream): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let r = 0; r < size; r++) {
    const row = matrix.subarray(r * size, (r + 1) * size);
    for (let c = 0; c < size; c++) row[c] = random.normal();
    for (let pass = 0; pass < 2; pass++)
      for (let before = 0; before < r; before++) {
        const other = matrix.subarray(before * size, (before + 1) * size);
        const overlap = dot(row, other);
        for (let c = 0; c < size; c++) row[c] -= overlap * other[c];
      }
    const norm = Math.sqrt(dot(row, row));
    for (let c = 0; c < size; c++) row[c] /= norm;
  }
  return matrix;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
