import { checkWeightedError } from '../check-shapes/check-second-order.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** tr((A - B) H (A - B)^T) by rows, in f64. */
export function weightedError(p: ParametersOf<'weightedError'>): Float64Array {
  checkWeightedError(p);
  const { left, right, hessian } = p;
  const n = left.columns;
  const errors = new Float64Array(left.rows);
  for (let r = 0; r < left.rows; r++) {
    const difference = Float64Array.from({ length: n }, (_, c) => left.data[r * n + c] - right.data[r * n + c]);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += hessian.data[i * n + j] * difference[j];
      errors[r] += difference[i] * sum;
    }
  }
  return errors;
}
