import type { ActivationQuantizer, Grid } from '@compress/core';
import { isE2m1, isE4m3 } from '../float-grids.ts';

/** How the library lays weights out, by the names that it has for these formats. */
export type Layout =
  | 'pack-quantized'
  | 'int-quantized'
  | 'float-quantized'
  | 'nvfp4-pack-quantized'
  | 'mxfp4-pack-quantized';

/**
 * The format of weights on a grid: integers are packed where activations stay in floats, and lie a byte each where these are rounded too; E4M3 a byte each;
 * E2M1 two a byte, with scales as NVIDIA's hardware or as the MX formats have them. Undefined where none holds the grid.
 */
export function layoutOf(grid: Grid, activations: ActivationQuantizer | undefined): Layout | undefined {
  const { codes, bits, scaleType, nested } = grid;
  if (codes.kind === 'integer' && codes.maxCode === 2 ** bits - 1)
    return activations === undefined ? 'pack-quantized' : 'int-quantized';
  if (nested === 'blocks') return undefined;
  if (isE4m3(grid) && nested === undefined && scaleType !== 'e8m0') return 'float-quantized';
  if (!isE2m1(grid)) return undefined;
  if (nested === 'tensor') return 'nvfp4-pack-quantized';
  return scaleType === 'e8m0' ? 'mxfp4-pack-quantized' : undefined;
}
