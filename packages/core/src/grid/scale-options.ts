import { CompressError } from '../errors.ts';
import type { Grid, NestedRule, ScaleRule, ScaleType } from './grid.ts';

const DEFAULT_PERCENTILE = 99.9;

/** The type that scales have before they are nested. */
const NESTED_TYPE = { tensor: 'e4m3', blocks: 'f32' } as const;

/** The part of a grid that says how scales are chosen and stored, with its defaults. Throws `CompressError` `grid-invalid`. */
export function scaleOptions({
  scales = 'minmax',
  percentile,
  nested,
  scaleType = nested === undefined ? 'f16' : NESTED_TYPE[nested],
}: {
  readonly scales?: ScaleRule | undefined;
  readonly percentile?: number | undefined;
  readonly scaleType?: ScaleType | undefined;
  readonly nested?: NestedRule | undefined;
}): Pick<Grid, 'scales' | 'percentile' | 'scaleType' | 'nested'> {
  if (nested !== undefined && scaleType !== NESTED_TYPE[nested])
    throw new CompressError(
      'grid-invalid',
      `"nested: ${nested}" stores scales of type ${NESTED_TYPE[nested]}, not ${scaleType}.`,
    );
  const stored = { scaleType, ...(nested !== undefined && { nested }) };
  if (scales !== 'percentile') {
    if (percentile !== undefined)
      throw new CompressError(
        'grid-invalid',
        `A percentile of ${percentile} needs "scales: percentile", not ${scales}.`,
      );
    return { scales, ...stored };
  }
  const share = percentile ?? DEFAULT_PERCENTILE;
  if (!(share > 50 && share <= 100))
    throw new CompressError('grid-invalid', `A percentile lies above 50 and is at most 100, which ${share} does not.`);
  return { scales, percentile: share, ...stored };
}
