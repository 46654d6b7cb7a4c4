import { type GroupScales, type Kernels, largestLevel, type Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { clipToPercentile } from './clip-to-percentile.ts';
import type { Grid, StoredScales } from './grid.ts';
import { columnsPerGroup, type GroupSize } from './group-size.ts';
import { nestScales } from './nested-scales.ts';
import { requireFinite } from './require-finite.ts';
import { hasZero } from './require-zero.ts';

/** Ranges that a search tries, each a fiftieth of the whole smaller than the one before. */
const SEARCH_STEPS = 40;

/** Representable in every scale type but E4M3. */
const SMALLEST_SCALE = 2 ** -24;
const SMALLEST_E4M3 = 2 ** -9;
const LARGEST_E4M3 = 448;

/** A weight and the grid that its scales are fitted for. */
export interface FitRequest {
  /** `[rows, columns]`, finite. */
  readonly weight: Matrix;
  readonly grid: Grid;
  readonly groupSize: GroupSize;
  /** `[columns]`, >= 0: what a squared error of each column costs. Needed by, and only used with, `scales: hessian`. */
  readonly importance?: Float32Array | undefined;
  /** The Linear's name, for errors. */
  readonly layer?: string | undefined;
  readonly kernels: Kernels;
}

/**
 * Scale and zero of every (row, group) by the grid's rule, as they are stored. For a grid that learns its levels call `fitGrid` instead.
 *
 * Throws `CompressError`: `weight-not-finite`, `group-size`, `importance-missing`.
 */
export async function fitGridScales(request: FitRequest): Promise<StoredScales> {
  const { weight, grid, groupSize, layer, kernels } = request;
  const { rows, columns } = weight;
  requireFinite('weight', weight, { layer });
  const size = columnsPerGroup(columns, groupSize);
  if (grid.learn) throw new TypeError(`The levels of grid ${grid.name} are to be learned first: call fitGrid`);
  const importance = importanceOf(request);
  if (groupSize === 'tensor') return fitTensor(request, importance);

  const groups = columns / size;
  const scales: GroupScales = {
    groups,
    scales: kernels.float32(rows * groups),
    zeros: kernels.float32(rows * groups),
    group: Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / size)),
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

/** The scale of the whole weight by which that of the group with the largest weight becomes the largest E4M3. */
function tensorUnit({ data }: Matrix, { codes, reach }: Grid): number {
  const absmax = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
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

/** One scale for all: the weight is one long row with one group, whose scale every row then repeats. */
async function fitTensor(request: FitRequest, importance: Float32Array | undefined): Promise<StoredScales> {
  const { weight, kernels } = request;
  const grid = asOneRow(request.grid);
  const { rows, columns } = weight;
  let repeated: Float32Array | undefined;
  if (importance) {
    repeated = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++) repeated.set(importance, r * columns);
  }
  const row = { rows: 1, columns: rows * columns, data: weight.data };
  const one = await fitGridScales({ ...request, grid, weight: row, groupSize: 'channel', importance: repeated });
  return {
    groups: 1,
    scales: kernels.float32(rows).fill(one.scales[0]),
    zeros: kernels.float32(rows).fill(one.zeros[0]),
    group: new Uint32Array(columns),
    ...(one.nested && { nested: one.nested }),
  };
}

/** Tables of rows cannot be searched with one scale: it comes from the whole range, for which they were learned. */
function asOneRow(grid: Grid): Grid {
  if (grid.codes.kind !== 'tables') return grid;
  const levels = grid.codes.levels.data.slice(0, grid.codes.levels.columns);
  return { ...grid, codes: { kind: 'table', levels }, scales: 'minmax', reach: grid.reach ?? largestLevel(grid.codes) };
}

/** What errors of columns cost, if the grid asks. Throws `CompressError` `importance-missing` where it does and there is none. */
export function importanceOf({ weight, grid, importance, layer }: FitRequest): Float32Array | undefined {
  if (grid.scales !== 'hessian') return undefined;
  if (importance?.length === weight.columns) return importance;
  throw new CompressError(
    'importance-missing',
    `Scales of grid ${grid.name} are chosen by the Hessian, which takes the cost of an error in each of ${weight.columns} columns; ${importance ? `${importance.length} were` : 'none was'} given.`,
    layer === undefined ? {} : { layer },
  );
}
