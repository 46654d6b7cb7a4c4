import { type FitRequest, fitFiniteScales, importanceOf } from './fit-grid-scales.ts';
import type { Grid, StoredScales } from './grid.ts';
import { weightsPerGroup } from './group-size.ts';
import { requireFinite } from './require-finite.ts';

/** A grid and its scales for one weight. */
export interface FittedGrid {
  /** Its `codes` are those to quantize with; there is nothing more to learn. */
  readonly grid: Grid;
  readonly scales: StoredScales;
}

/**
 * Everything of a grid that depends on the weight: levels, where it learns them, and scales. Levels are learned for the whole range of each
 * group; where the grid searches its scales, that is done for the learned levels then.
 *
 * Throws `CompressError`: `weight-not-finite`, `group-size`, `importance-missing`.
 */
export async function fitGrid(request: FitRequest): Promise<FittedGrid> {
  requireFinite('weight', request.weight, request);
  return fitFiniteGrid(request);
}

/** {@link fitGrid} of a weight that was looked at. */
export async function fitFiniteGrid(request: FitRequest): Promise<FittedGrid> {
  const { learn, ...rest } = request.grid;
  if (!learn) return { grid: request.grid, scales: await fitFiniteScales(request) };
  const { weight, groupSize } = request;
  const scales = await fitFiniteScales({ ...request, grid: { ...rest, scales: 'minmax' } });
  const codes = learn({
    weight,
    scales,
    groupSize: weightsPerGroup([weight.rows, weight.columns], groupSize),
    importance: importanceOf(request),
  });
  const grid: Grid = { ...rest, codes };
  return { grid, scales: grid.scales === 'minmax' ? scales : await fitFiniteScales({ ...request, grid }) };
}
