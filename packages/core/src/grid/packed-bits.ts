import type { LinearSpec } from '../model/model.ts';
import type { Grid } from './grid.ts';
import { type GroupSize, groupCount } from './group-size.ts';

const SCALE_BITS = { f32: 32, f16: 16, bf16: 16, e4m3: 8, e8m0: 8 };
/** Nested scales: the width of a code, and how many share an f32. */
const NESTED_BITS = 8;
const NESTED_BLOCK = 256;

/**
 * Bits that a `[rows, columns]` weight takes on the grid: codes, scales, and with an asymmetric grid zero points of the codes' width. A
 * format's padding and tables are not counted. Throws `CompressError` `group-size`.
 */
export function packedBits(grid: Grid, groupSize: GroupSize, [rows, columns]: readonly [number, number]): number {
  if (rows === 0 || columns === 0) return 0;
  const groups = groupCount([rows, columns], groupSize);
  const zeros = grid.symmetric ? 0 : groups * grid.bits;
  return rows * columns * grid.bits + zeros + scaleBits(grid, groups);
}

/** The same for one weight of a Linear. Throws `CompressError` `group-size`. */
export function packedBitsPerWeight(
  { outFeatures, inFeatures }: Pick<LinearSpec, 'outFeatures' | 'inFeatures'>,
  grid: Grid,
  groupSize: GroupSize,
): number {
  return packedBits(grid, groupSize, [outFeatures, inFeatures]) / (outFeatures * inFeatures);
}

function scaleBits({ nested, scaleType }: Grid, groups: number): number {
  if (nested === 'blocks') return groups * NESTED_BITS + (Math.ceil(groups / NESTED_BLOCK) + 1) * SCALE_BITS.f32;
  return groups * SCALE_BITS[scaleType] + (nested === 'tensor' ? SCALE_BITS.f32 : 0);
}
