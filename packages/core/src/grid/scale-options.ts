import { CompressError } from '../errors.ts';
import type { Grid, ScaleRule, ScaleType } from './grid.ts';

const DEFAULT_PERCENTILE = 99.9;

/** The part of a grid that says how scales are chosen and stored, with its defaults. Throws `CompressError` `grid-invalid`. */
export function scaleOptions({
  scales = 'minmax',
  percentile,
  scaleType = 'f16',
}: {
  readonly scales?: ScaleRule | undefined;
  readonly percentile?: number | undefined;
  readonly scaleType?: ScaleType | undefined;
}): Pick<Grid, 'scales' | 'percentile' | 'scaleType'> {
  if (scales !== 'percentile') {
    if (percentile !== undefined)
      throw new CompressError(
        'grid-invalid',
        `A percentile of ${percentile} needs "scales: percentile", not ${scales}.`,
      );
    return { scales, scaleType };
  }
  const share = percentile ?? DEFAULT_PERCENTILE;
  if (!(share > 50 && share <= 100))
    throw new CompressError('grid-invalid', `A percentile lies above 50 and is at most 100, which ${share} does not.`);
  return { scales, percentile: share, scaleType };
}
