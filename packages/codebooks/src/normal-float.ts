import { type Grid, tableGrid } from '@compress/core';
import { normalQuantile } from './mathematics/normal.ts';
import { quantileLevels } from './quantile-levels.ts';

/** NF: levels at quantiles of the normal distribution (Dettmers et al., QLoRA, 2023). `bits` 2..8. */
export function normalFloat(bits: number): Grid {
  return tableGrid({ name: `nf${bits}`, levels: quantileLevels(bits, normalQuantile) });
}
