import type { CodeGrid } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import type { Grid } from './grid.ts';

/** Throws `CompressError` `grid-without-zero` if the grid cannot keep the zeros of an earlier prune. Integer grids and grids that learn always can. */
export function requireZero(grid: Grid, layer?: string): void {
  if (grid.learn || hasZero(grid.codes)) return;
  throw new CompressError(
    'grid-without-zero',
    `Grid ${grid.name} has no level 0, so it would bring pruned weights back; use a grid with one or do not prune.`,
    layer === undefined ? {} : { layer },
  );
}

/** Whether every row can represent 0. */
export function hasZero(codes: CodeGrid): boolean {
  if (codes.kind === 'integer') return true;
  if (codes.kind === 'table') return codes.levels.includes(0);
  const { rows, columns, data } = codes.levels;
  return Array.from({ length: rows }, (_, r) => data.subarray(r * columns, (r + 1) * columns)).every((levels) =>
    levels.includes(0),
  );
}
