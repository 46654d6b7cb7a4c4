import { CompressError } from '../errors.ts';
import type { Observation, Statistics } from './statistics.ts';

/** What calibration observed at a site. Throws `CompressError` `statistics-missing` where it did not, which says who needs it. */
export function requireStatistic<Name extends Observation>(
  statistics: Statistics | undefined,
  name: Name,
  by: { readonly algorithm: string; readonly site: string },
): NonNullable<Statistics[Name]> {
  const value = statistics?.[name];
  if (value === undefined)
    throw new CompressError('statistics-missing', `${by.algorithm} needs the ${name} of its site.`, { layer: by.site });
  return value;
}
