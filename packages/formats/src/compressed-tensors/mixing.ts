import type { Grid } from '@compress/core';
import { layoutOf } from './layout.ts';

/** Why Linears on these grids cannot be in one checkpoint. */
export function mixingLimit(grids: readonly Grid[]): string | undefined {
  const layouts = new Set(grids.map((grid) => layoutOf(grid, undefined)));
  return layouts.size === 1
    ? undefined
    : `The format compressed-tensors is written with one of the library's formats for all Linears, and ${grids.map(({ name }) => name).join(', ')} are not all integers: choose among these, or the format "dense".`;
}

/** What consumers do not read of a checkpoint on these grids, each of which they read where it is alone. */
export function mixingRemark(grids: readonly Grid[]): string {
  const joined =
    'vLLM joins queries, keys and values, and gate and up, to one matrix each, and takes what it joins on one grid alone';
  return grids.every(({ symmetric }) => symmetric)
    ? `${joined}: transformers does not.`
    : `${joined}; transformers reads zero points with CompressedTensorsConfig(dequantize=True) alone, which takes one grid for all Linears: choose symmetric grids for it.`;
}
