import type { Grid } from '@compress/core';
import type { ColumnOrder } from './options.ts';

/** Why a grid cannot be fitted group by group while columns are rounded; undefined if it can. */
export function orderObjection({ name, learn, nested }: Grid, order: ColumnOrder): string | undefined {
  if (order !== 'act' || !(learn || nested)) return undefined;
  const what = learn ? 'levels' : 'scales';
  return `Grid ${name} takes its ${what} from the whole weight, and with "order: act" groups are fitted one by one; use "order: act-static".`;
}
