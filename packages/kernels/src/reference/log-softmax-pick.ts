import { checkLogSoftmaxPick } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** log softmax(logits)[picked] by rows: x - largest - log sum exp(x - largest), in f64. */
export function logSoftmaxPick(p: ParametersOf<'logSoftmaxPick'>): Float64Array {
  checkLogSoftmaxPick(p);
  const { logits, picked } = p;
  const result = new Float64Array(logits.rows);
  for (let t = 0; t < logits.rows; t++) {
    const row = logits.data.subarray(t * logits.columns, (t + 1) * logits.columns);
    let largest = Number.NEGATIVE_INFINITY;
    for (const x of row) largest = Math.max(largest, x);
    let sum = 0;
    for (const x of row) sum += Math.exp(x - largest);
    result[t] = row[picked[t]] - largest - Math.log(sum);
  }
  return result;
}
