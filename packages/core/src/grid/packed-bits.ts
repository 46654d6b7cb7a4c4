import type { Grid } from './grid.ts';
import { columnsPerGroup, type GroupSize } from './group-size.ts';

const SCALE_BITS = { f32: 32, f16: 16, bf16: 16 };

/**
 * Bits that a `[rows, columns]` weight takes on the grid: codes, scales, and with an asymmetric grid zero points of the codes' width. A
 * format's padding and tables are not counted. Throws `CompressError` `group-size`.
 */
export function packedBits(grid: Grid, groupSize: GroupSize, [rows, columns]: readonly [number, number]): number {
  if (rows === 0 || columns === 0) return 0;
  const groups = groupSize === 'tensor' ? 1 : (rows * columns) / columnsPerGroup(columns, groupSize);
  return rows * columns * grid.bits + groups * (SCALE_BITS[grid.scaleType] + (grid.symmetric ? 0 : grid.bits));
}
