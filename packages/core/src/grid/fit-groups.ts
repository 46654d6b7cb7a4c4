import { type GroupScales, type Kernels, largestLevel, type Matrix } from '@compress/kernels';
import { clipToPercentile } from './clip-to-percentile.ts';
import type { Grid, StoredScales } from './grid.ts';
import { nestScales } from './nested-scales.ts';
import { hasZero } from './require-zero.ts';
import { largestMagnitude } from './share-tensor-scale.ts';

/** Ranges that a search tries, each a fiftieth of the whole smaller than the one before. */
const SEARCH_STEPS = 40;

/** Representable in every scale type but E4M3. */
const SMALLEST_SCALE = 2 ** -24;
const SMALLEST_E4M3 = 2 ** -9;
const LARGEST_E4M3 = 448;

/** Scale and zero of every (row, group), as they are stored, where column c belongs to `group[c]` of `groups`. */
export async function fitGroups(p: {
  readonly weight: Matrix;
  readonly grid: Grid;
  readonly groups: number;
  readonly group: Uint32Array;
  readonly importance: Float32Array | undefined;
  readonly kernels: Kernels;
}): Promise<StoredScales> {
  const { weight, grid, groups, group, importance, kernels } = p;
  const scales: GroupScales = {
    groups,
    scales: kernels.float32(weight.rows * groups),
    zeros: kernels.float32(weight.rows * groups),
    group,
  };
  const scaleUnit = grid.nested === 'tensor' ? tensorUnit(weight, grid) : 1;
  await kernels.fitScales({
    weight: grid.scales === 'percentile' ? clipToPercentile(weight, grid, scales) : weight,
    fit: {
      grid: grid.codes,
      symmetric: grid.symmetric,
      steps: grid.scales === 'mse' || grid.scales === 'hessian' ? SEARCH_STEPS : 0,
      ...(importance && { importance }),
      scaleType: grid.scaleType,
      scaleUnit,
      ...(grid.reach !== undefined && { reach: grid.reach }),
    },
    scales,
  });
  const smallest = grid.scaleType === 'e4m3' ? SMALLEST_E4M3 * scaleUnit : SMALLEST_SCALE;
  if (grid.nested || !hasZero(grid.codes)) shrinkZeroGroups(weight, scales, smallest);
  if (grid.nested === 'blocks') return nestScales(scales);
  return grid.nested === 'tensor' ? { ...scales, nested: { kind: 'tensor', scale: scaleUnit } } : scales;
}

/** The scale of the whole weight, or of all that share it, by which that of the group with the largest weight becomes the largest E4M3. */
function tensorUnit(weight: Matrix, { codes, reach, absmax = largestMagnitude(weight) }: Grid): number {
  const range = codes.kind === 'integer' ? codes.maxCode / 2 : (reach ?? largestLevel(codes));
  return Math.fround(absmax / range / LARGEST_E4M3) || 1;
}

/** Kernels give a group of zeros the scale 1, which is far from 0 on a grid without that level, and from all other scales. */
function shrinkZeroGroups(
  { rows, columns, data }: Matrix,
  { groups, scales, group }: GroupScales,
  smallest: number,
): void {
  for (let r = 0; r < rows; r++) {
    const zero = new Array<boolean>(groups).fill(true);
    for (let c = 0; c < columns; c++) if (data[r * columns + c] !== 0) zero[group[c]] = false;
    for (let g = 0; g < groups; g++) if (zero[g]) scales[r * groups + g] = smallest;
  }
}
