import {
  columnsPerGroup,
  type Grid,
  type GridChoice,
  type GroupSize,
  requireFinite,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { type Replaced, type Rounding, roundingErrors, sum } from './rounding.ts';

/** Ranges that are tried, each a twentieth of the whole smaller than the one before: down to 0.55. */
const STEPS = 10;
const STEPS_OF_WHOLE = 20;

/** One Linear and what it reads. Nothing is changed. */
export interface ClipRequest {
  /** `[out, n]`, finite. */
  readonly weight: Matrix;
  /** `[n, n]`: the mean of x^T x. */
  readonly gram: Matrix;
  /** @default 'int4-asym' */
  readonly grid?: Grid | GridChoice;
  /** @default 128 */
  readonly groupSize?: GroupSize;
  /** `[out]`, 1 for rows that stay as they are. @default none */
  readonly exempt?: Uint8Array | undefined;
  /** The Linear's name, for errors. */
  readonly layer?: string;
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** The clipped weight, and what it gains. */
export interface ClippedWeight {
  /** `[out, n]` */
  readonly weight: Matrix;
  /** The share of groups whose range shrank. */
  readonly clipped: number;
  /** tr((W - Q) G (W - Q)^T), Q being the rounded clipped weight; never more than `unclippedLoss`. */
  readonly loss: number;
  readonly unclippedLoss: number;
}

/**
 * For each (row, group) the range, symmetric about 0, beyond which weights are cut off, so that rounding to nearest errs least on what the group
 * adds to the row's output (AWQ's clip search, with the gram in the place of sampled tokens). A row keeps its weights where cutting all its groups makes its
 * whole output worse. Groups of size `tensor` share one range.
 *
 * Throws `CompressError`: `weight-not-finite`, `gram-not-finite`, `grid-invalid`, `group-size`.
 */
export function clipWeight(request: ClipRequest): Promise<ClippedWeight> {
  return withKernels(request.kernels, async (kernels) => {
    const { weight, gram, exempt, layer, groupSize = 128 } = request;
    requireFinite('weight', weight, { layer });
    requireFinite('gram', gram, { layer });
    const rounding = { grid: resolveGrid(request.grid ?? 'int4-asym'), groupSize, layer, kernels };
    const size = columnsPerGroup(weight.columns, groupSize);
    const groups = weight.columns / size;
    const limits = await chooseLimits(
      { weight, gram, groups },
      { ...rounding, groupSize: groupSize === 'tensor' ? groupSize : size },
    );
    const keep = (r: number) => limits.fill(Number.POSITIVE_INFINITY, r * groups, (r + 1) * groups);
    for (let r = 0; r < weight.rows; r++) if (exempt?.[r]) keep(r);
    const output = kernels.matrix(weight.rows, weight.columns);
    clampGroups(weight, limits, output);
    const before = await rowErrors({ weight, rounded: weight, gram }, rounding);
    const after = await rowErrors({ weight, rounded: output, gram }, rounding);
    const worse = (r: number) => after[r] > before[r];
    for (let r = 0; r < weight.rows; r++) if (worse(r)) keep(r);
    clampGroups(weight, limits, output);
    return {
      weight: output,
      clipped: limits.filter(Number.isFinite).length / Math.max(1, limits.length),
      loss: sum(after.map((error, r) => (worse(r) ? before[r] : error))),
      unclippedLoss: sum(before),
    };
  });
}

/** `[out, groups]`: the best limit of each group, infinite where its whole range is best. */
async function chooseLimits(
  { weight, gram, groups }: { readonly weight: Matrix; readonly gram: Matrix; readonly groups: number },
  rounding: Rounding,
): Promise<Float64Array> {
  const largest = absoluteMaxima(weight, groups);
  if (rounding.groupSize === 'tensor') largest.fill(largest.reduce((most, value) => Math.max(most, value), 0));
  const limits = new Float64Array(largest.length).fill(Number.POSITIVE_INFINITY);
  const least = new Float64Array(largest.length).fill(Number.POSITIVE_INFINITY);
  const rounded = rounding.kernels.matrix(weight.rows, weight.columns);
  for (let step = 0; step < STEPS; step++) {
    const tried = step === 0 ? limits : largest.map((value) => value * (1 - step / STEPS_OF_WHOLE));
    clampGroups(weight, tried, rounded);
    const errors = await rowErrors({ weight, rounded, gram, parts: groups }, rounding);
    for (let i = 0; i < errors.length; i++) {
      if (!(errors[i] < least[i])) continue;
      least[i] = errors[i];
      if (step > 0) limits[i] = tried[i];
    }
  }
  return limits;
}

/** The error of each row and group; where all share one range, the mean of all, so that they choose alike. */
async function rowErrors(replaced: Replaced, rounding: Rounding): Promise<Float64Array> {
  const errors = await roundingErrors(replaced, rounding);
  return rounding.groupSize === 'tensor' ? errors.fill(sum(errors) / Math.max(1, errors.length)) : errors;
}

/** `[out, groups]` */
function absoluteMaxima({ rows, columns, data }: Matrix, groups: number): Float64Array {
  const maxima = new Float64Array(rows * groups);
  const size = columns / groups;
  for (let g = 0, i = 0; g < maxima.length; g++)
    for (const end = i + size; i < end; i++) maxima[g] = Math.max(maxima[g], Math.abs(data[i]));
  return maxima;
}

/** Cuts each group off at its limit. */
function clampGroups({ data }: Matrix, limits: Float64Array, output: Matrix): void {
  const size = data.length / Math.max(1, limits.length);
  for (let g = 0, i = 0; g < limits.length; g++) {
    const limit = limits[g];
    for (const end = i + size; i < end; i++) output.data[i] = Math.min(Math.max(data[i], -limit), limit);
  }
}
