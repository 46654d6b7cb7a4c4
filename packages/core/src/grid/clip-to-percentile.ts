import type { GroupScales, Matrix } from '@compress/kernels';
import type { Grid } from './grid.ts';

/**
 * A copy of `weight` with each group's tails cut off: the fit of its whole range is the fit of a percentile of the original. Percentiles
 * interpolate linearly between order statistics; a symmetric grid cuts at the percentile of the magnitudes.
 */
export function clipToPercentile(
  weight: Matrix,
  { percentile = 100, symmetric }: Grid,
  { groups, group }: Pick<GroupScales, 'groups' | 'group'>,
): Matrix {
  const { rows, columns } = weight;
  const data = Float32Array.from(weight.data);
  const members = Array.from({ length: groups }, () => [] as number[]);
  for (let c = 0; c < columns; c++) members[group[c]].push(c);
  for (let r = 0; r < rows; r++) {
    const row = data.subarray(r * columns, (r + 1) * columns);
    for (const indices of members) {
      const values = Float32Array.from(indices, (c) => (symmetric ? Math.abs(row[c]) : row[c])).sort();
      const high = quantile(values, percentile / 100);
      const low = symmetric ? -high : quantile(values, 1 - percentile / 100);
      for (const c of indices) row[c] = Math.min(Math.max(row[c], low), high);
    }
  }
  return { rows, columns, data };
}

function quantile(ascending: Float32Array, share: number): number {
  const position = share * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (ascending[above] - ascending[below]) * (position - below);
}
