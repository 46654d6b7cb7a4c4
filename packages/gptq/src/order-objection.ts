import type { Grid, GroupSize } from '@compress/core';
import type { ColumnOrder } from './options.ts';

/** Why scales cannot be fitted group by group while columns are rounded; undefined if they can. */
export function orderObjection(
  { name, learn, nested }: Grid,
  groupSize: GroupSize,
  order: ColumnOrder,
): string | undefined {
  if (order !== 'act') return undefined;
  const fitted = `with "order: act" groups are fitted one by one; use "order: act-static".`;
  if (learn) return `Grid ${name} learns its levels from the whole weight, and ${fitted}`;
  if (nested) return `The scales of grid ${name} depend on each other, and ${fitted}`;
  return typeof groupSize === 'object' ? `Blocks follow the columns as they lie, and ${fitted}` : undefined;
}
