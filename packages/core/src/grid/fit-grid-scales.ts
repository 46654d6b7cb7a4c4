import { type Kernels, largestLevel, type Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { fitGroups } from './fit-groups.ts';
import type { Grid, StoredScales } from './grid.ts';
import { columnsPerGroup, type GroupSize, weightsPerGroup } from './group-size.ts';
import { requireFinite } from './require-finite.ts';

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
  requireFinite('weight', request.weight, request);
  return fitFiniteScales(request);
}

/** {@link fitGridScales} of a weight that was looked at. */
export async function fitFiniteScales(request: FitRequest): Promise<StoredScales> {
  const { weight, grid, groupSize, kernels } = request;
  const { rows, columns } = weight;
  const size = columnsPerGroup(columns, groupSize);
  if (grid.learn) throw new TypeError(`The levels of grid ${grid.name} are to be learned first: call fitGrid`);
  const importance = importanceOf(request);
  const groups = columns / size;
  const group = Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / size));
  if (typeof groupSize === 'object' && 'block' in groupSize)
    return fitBlocks(request, { groups, group }, groupSize.block[0], importance);
  const shared = weightsPerGroup([rows, columns], groupSize);
  return shared === size
    ? fitGroups({ weight, grid, groups, group, importance, kernels })
    : fitAsOneRow(request, { groups, group }, shared, importance);
}

/** Scales that rows share: the weight is one long row, cut into groups of `shared`, and each row repeats the scales that it meets. */
async function fitAsOneRow(
  { weight, grid, kernels }: FitRequest,
  own: Pick<StoredScales, 'groups' | 'group'>,
  shared: number,
  importance: Float32Array | undefined,
): Promise<StoredScales> {
  const { rows, columns, data } = weight;
  const length = rows * columns;
  const one = await fitGroups({
    weight: { rows: 1, columns: length, data },
    grid: withOneTable(grid),
    groups: Math.ceil(length / shared),
    group: Uint32Array.from({ length }, (_, i) => Math.floor(i / shared)),
    importance: importance && Float32Array.from({ length }, (_, i) => importance[i % columns]),
    kernels,
  });
  const size = columns / own.groups;
  const repeat = (source: Float32Array) => {
    const target = kernels.float32(rows * own.groups);
    for (let i = 0; i < target.length; i++) target[i] = source[Math.floor((i * size) / shared)];
    return target;
  };
  return { ...one, ...own, scales: repeat(one.scales), zeros: repeat(one.zeros) };
}

/** Scales that `height` rows share: these rows are one, whose columns come again and again, and each of them repeats its scales. */
async function fitBlocks(
  { weight, grid, kernels }: FitRequest,
  own: Pick<StoredScales, 'groups' | 'group'>,
  height: number,
  importance: Float32Array | undefined,
): Promise<StoredScales> {
  const { rows, columns, data } = weight;
  const slabs = Math.ceil(rows / height);
  const length = height * columns;
  // What the last rows do not fill is 0, which no fit heeds.
  const joined = kernels.matrix(slabs, length);
  joined.data.set(data);
  const fitted = await fitGroups({
    weight: joined,
    grid: withOneTable(grid),
    groups: own.groups,
    group: Uint32Array.from({ length }, (_, i) => own.group[i % columns]),
    importance: importance && Float32Array.from({ length }, (_, i) => importance[i % columns]),
    kernels,
  });
  const repeat = (source: Float32Array) => {
    const target = kernels.float32(rows * own.groups);
    for (let r = 0; r < rows; r++) {
      const first = Math.floor(r / height) * own.groups;
      target.set(source.subarray(first, first + own.groups), r * own.groups);
    }
    return target;
  };
  return { ...fitted, ...own, scales: repeat(fitted.scales), zeros: repeat(fitted.zeros) };
}

/** Tables of rows cannot be searched with scales that they share: these come from whole ranges, for which they were learned. */
function withOneTable(grid: Grid): Grid {
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
