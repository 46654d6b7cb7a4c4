import type { GroupScales } from '@compress/kernels';
import { type FitRequest, fitGridScales } from './fit-grid-scales.ts';
import type { Grid } from './grid.ts';

/** A rounding to f16 moves a scale by no more than half of this, unless the scale is too small or too large for that type. */
const FINE = 2 ** -10;

/**
 * The scales that choose codes, and the scales that are stored with them. They differ, and only by a rounding to f16, where scales come from whole ranges: a
 * symmetric range ends exactly between two codes (7.5 steps at 4 bits), so that rounding its scale first would leave the choice to
 * noise. Codes chosen before storage are those of every published figure for rounding to nearest.
 */
export async function scalesBeforeStorage(request: FitRequest): Promise<{ chosen: GroupScales; stored: GroupScales }> {
  const { grid } = request;
  const stored = await fitGridScales(request);
  if (grid.scales !== 'minmax' || grid.scaleType === 'f32') return { chosen: stored, stored };
  const unrounded: Grid = { ...grid, scaleType: 'f32' };
  const chosen = await fitGridScales({ ...request, grid: unrounded });
  for (const [i, scale] of stored.scales.entries()) {
    if (Math.abs(chosen.scales[i] - scale) <= FINE * scale) stored.zeros[i] = chosen.zeros[i];
    else {
      chosen.scales[i] = scale;
      chosen.zeros[i] = stored.zeros[i];
    }
  }
  return { chosen, stored };
}
