import { checkMultiply } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** output[M,N] (+)= +-left[M,K] right[K,N], with sums in f64. */
export function multiply(p: ParametersOf<'multiply'>): void {
  checkMultiply(p);
  const { left, right, output } = p;
  const columns = right.columns;
  const sums = new Float64Array(columns);
  for (let m = 0; m < left.rows; m++) {
    for (let n = 0; n < columns; n++) sums[n] = p.accumulate ? output.data[m * columns + n] : 0;
    for (let k = 0; k < left.columns; k++) {
      const factor = left.data[m * left.columns + k] * (p.negate ? -1 : 1);
      for (let n = 0; n < columns; n++) sums[n] += factor * right.data[k * columns + n];
    }
    output.data.set(sums, m * columns);
  }
}
