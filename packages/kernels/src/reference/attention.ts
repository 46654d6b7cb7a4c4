import { checkAttention } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { dot } from './dot.ts';

/** Causal softmax attention, one query at a time: softmax(scale q K^T) V over the keys that the query sees, each as the query sees it. */
export function attention(p: ParametersOf<'attention'>): void {
  checkAttention(p);
  const { queries, keys, values, heads, keyHeads, length, offset = 0, scale, aged, output } = p;
  const keyRows = offset + length;
  const window = p.window ?? keyRows;
  const d = queries.columns / heads;
  const weights = new Float64Array(keyRows);
  const sums = new Float64Array(d);
  for (let r = 0; r < queries.rows; r++) {
    const own = r % length;
    const position = offset + own;
    const sequenceRow = ((r - own) / length) * keyRows;
    const first = Math.max(0, position - window + 1);
    for (let h = 0; h < heads; h++) {
      const keyColumn = Math.floor((h * keyHeads) / heads) * d;
      const at = (s: number) => (sequenceRow + s) * keys.columns + keyColumn;
      const query = r * queries.columns + h * d;
      const keysAt = (s: number) => (aged && s < aged.keyCounts[own] ? aged.keys : keys).data;
      const valuesAt = (s: number) => (aged && s < aged.valueCounts[own] ? aged.values : values).data;
      let largest = Number.NEGATIVE_INFINITY;
      for (let s = first; s <= position; s++) {
        weights[s] = scale * dot(queries.data, query, keysAt(s), at(s), d);
        largest = Math.max(largest, weights[s]);
      }
      let total = 0;
      sums.fill(0);
      for (let s = first; s <= position; s++) {
        const weight = Math.exp(weights[s] - largest);
        total += weight;
        const seen = valuesAt(s);
        for (let i = 0, k = at(s); i < d; i++) sums[i] += weight * seen[k + i];
      }
      for (let i = 0; i < d; i++) output.data[query + i] = sums[i] / total;
    }
  }
}
