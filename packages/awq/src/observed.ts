import { CompressError, type SectionContext, type Statistics } from '@compress/core';

/** What calibration observed at a site. Throws `CompressError` `statistics-missing`. */
export function observed<Name extends 'gram' | 'absmean'>(
  { statistics }: SectionContext,
  site: string,
  name: Name,
): NonNullable<Statistics[Name]> {
  const value = statistics.get(site)?.[name];
  if (value === undefined)
    throw new CompressError('statistics-missing', `AWQ needs the ${name} of its sites.`, { layer: site });
  return value;
}
