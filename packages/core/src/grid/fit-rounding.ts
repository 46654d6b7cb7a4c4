import type { GroupScales } from '@compress/kernels';
import { fitFiniteGrid } from './fit-grid.ts';
import type { FitRequest } from './fit-grid-scales.ts';
import type { Grid, StoredScales } from './grid.ts';
import { scalesBeforeStorage } from './scales-before-storage.ts';

/** All that rounding a weight to nearest takes. */
export interface FittedRounding {
  /** As `fitGrid` has it. */
  readonly grid: Grid;
  /** What codes are chosen with. */
  readonly scales: GroupScales;
  /** What values of codes are computed from. */
  readonly stored: StoredScales;
}

/**
 * Fits a grid to a weight for rounding to nearest. That the weight is finite is for the caller to know: searches come here some hundred times for each.
 *
 * Throws `CompressError`: `group-size`, `importance-missing`.
 */
export async function fitRounding(request: FitRequest): Promise<FittedRounding> {
  const { grid, scales: stored } = await fitFiniteGrid(request);
  return { grid, stored, scales: await scalesBeforeStorage({ ...request, grid }, stored) };
}
