import type { Matrix } from '@compress/kernels';
import type { Grid } from './grid.ts';

/**
 * The grid for weights that read one activation: servers join their rows to one matrix (queries, keys and values; gate and up), which can have but one scale of the whole
 * weight. Other grids than those with `nested: tensor` stay as they are.
 */
export function shareTensorScale(grid: Grid, weights: readonly Matrix[]): Grid {
  if (grid.nested !== 'tensor') return grid;
  return { ...grid, absmax: weights.reduce((most, weight) => Math.max(most, largestMagnitude(weight)), 0) };
}

export function largestMagnitude({ data }: Matrix): number {
  return data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
}
