import type { Matrix } from '@compress/kernels';
import type { Statistics } from './statistics.ts';

type ColumnObservation = 'squares' | 'absmax' | 'absmean' | 'mean';

/** How one token, from `start` on, joins what was seen before. Sums are f64. Loops of their own: a call for each value takes up to ten times as long. */
const joins: Record<ColumnObservation, (values: Float64Array, data: Float32Array, start: number) => void> = {
  squares(values, data, start) {
    for (let c = 0; c < values.length; c++) values[c] += data[start + c] * data[start + c];
  },
  absmax(values, data, start) {
    for (let c = 0; c < values.length; c++) values[c] = Math.max(values[c], Math.abs(data[start + c]));
  },
  absmean(values, data, start) {
    for (let c = 0; c < values.length; c++) values[c] += Math.abs(data[start + c]);
  },
  mean(values, data, start) {
    for (let c = 0; c < values.length; c++) values[c] += data[start + c];
  },
};

/** Observes each channel by itself, token after token. Undefined when nothing is wanted. */
export function createColumnSums(features: number, wanted: readonly ColumnObservation[]) {
  if (wanted.length === 0) return undefined;
  const sums = wanted.map((name) => ({ name, values: new Float64Array(features) }));
  return {
    add({ data, columns }: Matrix): void {
      for (const { name, values } of sums)
        for (let start = 0; start < data.length; start += columns) joins[name](values, data, start);
    },
    finish(tokens: number): Pick<Statistics, ColumnObservation> {
      const divisor = Math.max(tokens, 1);
      return Object.fromEntries(
        sums.map(({ name, values }) => [
          name,
          Float32Array.from(values, (sum) => (name === 'absmax' ? sum : sum / divisor)),
        ]),
      );
    },
  };
}
