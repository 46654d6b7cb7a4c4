import { CompressError } from '../errors.ts';
import type { Grid } from './grid.ts';

/** Throws `CompressError` `grid-without-zero` if the grid cannot keep the zeros of an earlier prune. Integer grids always can. */
export function requireZero(grid: Grid, layer?: string): void {
  if (grid.codes.kind === 'integer' || grid.codes.levels.includes(0)) return;
  throw new CompressError(
    'grid-without-zero',
    `Grid ${grid.name} has no level 0, so it would bring pruned weights back; use a grid with one or do not prune.`,
    layer === undefined ? {} : { layer },
  );
}
