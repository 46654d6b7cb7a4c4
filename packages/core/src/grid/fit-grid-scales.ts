import type { GroupScales, Kernels, Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { clipToPercentile } from './clip-to-percentile.ts';
import type { Grid } from './grid.ts';
import { columnsPerGroup, type GroupSize } from './group-size.ts';
import { requireFinite } from './require-finite.ts';
import { hasZero } from './require-zero.ts';

/** Ranges that a search tries, each a fiftieth of the whole smaller than the one before. */
const SEARCH_STEPS = 40;

/** Representable in every scale type. */
const SMALLEST_SCALE = 2 ** -24;

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
 * Scale and zero of every (row, group) by the grid's rule, rounded to the grid's scale type.
 *
 * Throws `CompressError`: `weight-not-finite`, `group-size`, `importance-missing`.
 */
export async function fitGridScales(request: FitRequest): Promise<GroupScales> {
  const { weight, grid, groupSize, layer, kernels } = request;
  const { rows, columns } = weight;
  requireFinite('weight', weight, { layer });
  const size = columnsPerGroup(columns, groupSize);
  const importance = grid.scales === 'hessian' ? requireImportance(request) : undefined;
  if (groupSize === 'tensor') return fitTensor(request, importance);

  const groups = columns / size;
  const scales: GroupScales = {
    groups,
    scales: kernels.float32(rows * groups),
    zeros: kernels.float32(rows * groups),
    group: Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / size)),
  };
  await kernels.fitScales({
    weight: grid.scales === 'percentile' ? clipToPercentile(weight, grid, scales) : weight,
    fit: {
      grid: grid.codes,
      symmetric: grid.symmetric,
      steps: grid.scales === 'mse' || grid.scales === 'hessian' ? SEARCH_STEPS : 0,
      ...(importance && { importance }),
      scaleType: grid.scaleType,
    },
    scales,
  });
  if (!hasZero(grid.codes)) shrinkZeroGroups(weight, scales);
  return scales;
}

/** Kernels give a group of zeros the scale 1, which is far from 0 on a grid without that level. */
function shrinkZeroGroups({ rows, columns, data }: Matrix, { groups, scales, group }: GroupScales): void {
  for (let r = 0; r < rows; r++) {
    const zero = new Array<boolean>(groups).fill(true);
    for (let c = 0; c < columns; c++) if (data[r * columns + c] !== 0) zero[group[c]] = false;
    for (let g = 0; g < groups; g++) if (zero[g]) scales[r * groups + g] = SMALLEST_SCALE;
  }
}

/** One scale for all: the weight is one long row with one group, whose scale every row then repeats. */
async function fitTensor(request: FitRequest, importance: Float32Array | undefined): Promise<GroupScales> {
  const { weight, kernels } = request;
  const { rows, columns } = weight;
  let repeated: Float32Array | undefined;
  if (importance) {
    repeated = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++) repeated.set(importance, r * columns);
  }
  const row = { rows: 1, columns: rows * columns, data: weight.data };
  const one = await fitGridScales({ ...request, weight: row, groupSize: 'channel', importance: repeated });
  return {
    groups: 1,
    scales: kernels.float32(rows).fill(one.scales[0]),
    zeros: kernels.float32(rows).fill(one.zeros[0]),
    group: new Uint32Array(columns),
  };
}

function requireImportance({ weight, grid, importance, layer }: FitRequest): Float32Array {
  if (importance?.length === weight.columns) return importance;
  throw new CompressError(
    'importance-missing',
    `Scales of grid ${grid.name} are chosen by the Hessian, which takes the cost of an error in each of ${weight.columns} columns; ${importance ? `${importance.length} were` : 'none was'} given.`,
    layer === undefined ? {} : { layer },
  );
}
