import type { GroupScales } from '@compress/kernels';
import { type FitRequest, fitFiniteScales } from './fit-grid-scales.ts';

/** A rounding to f16 moves a scale by no more than half of this, unless the scale is too small or too large for that type. */
const FINE = 2 ** -10;

/**
 * The scales to choose codes with, where `stored` are to be stored with them. They differ, and only by a rounding to f16, where scales come from whole ranges: a
 * symmetric range ends exactly between two codes (7.5 steps at 4 bits), so that rounding its scale first would leave the choice to
 * noise. Codes chosen before storage are those of every published figure for rounding to nearest. The zeros of `stored` become those
 * that codes are chosen with.
 */
export async function scalesBeforeStorage(request: FitRequest, stored: GroupScales): Promise<GroupScales> {
  const { grid } = request;
  if (grid.scales !== 'minmax' || (grid.scaleType !== 'f16' && grid.scaleType !== 'bf16')) return stored;
  const chosen = await fitFiniteScales({ ...request, grid: { ...grid, scaleType: 'f32' } });
  for (let i = 0; i < stored.scales.length; i++) {
    const scale = stored.scales[i];
    if (Math.abs(chosen.scales[i] - scale) <= FINE * scale) stored.zeros[i] = chosen.zeros[i];
    else {
      chosen.scales[i] = scale;
      chosen.zeros[i] = stored.zeros[i];
    }
  }
  return chosen;
}
