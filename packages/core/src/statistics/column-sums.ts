import type { Matrix } from '@compress/kernels';
import type { Statistics } from './statistics.ts';

type ColumnObservation = 'squares' | 'absmax' | 'absmean' | 'mean';

/** How one value joins what was seen of its channel before. Sums are f64. */
const joins: Record<ColumnObservation, (before: number, x: number) => number> = {
  squares: (before, x) => before + x * x,
  absmax: (before, x) => Math.max(before, Math.abs(x)),
  absmean: (before, x) => before + Math.abs(x),
  mean: (before, x) => before + x,
};

/** Observes each channel by itself, token after token. Undefined when nothing is wanted. */
export function createColumnSums(features: number, wanted: readonly ColumnObservation[]) {
  if (wanted.length === 0) return undefined;
  const sums = wanted.map((name) => ({ name, values: new Float64Array(features) }));
  return {
    add({ data, columns }: Matrix): void {
      for (const { name, values } of sums) {
        const join = joins[name];
        for (let start = 0; start < data.length; start += columns)
          for (let c = 0; c < columns; c++) values[c] = join(values[c], data[start + c]);
      }
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
