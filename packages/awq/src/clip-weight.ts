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
import { type Rounding, roundingErrors, sum } from './rounding.ts';

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
    requireFinite('gram', gram, { layer });
    const rounding = { grid: resolveGrid(request.grid ?? 'int4-asym'), groupSize, layer, kernels };
    const together = groupSize === 'tensor';
    const size = columnsPerGroup(weight.columns, groupSize);
    const groups = weight.columns / size;
    const output = kernels.matrix(weight.rows, weight.columns);
    output.data.set(weight.data);
    const cut = new Uint8Array(weight.rows * groups);
    for (let g = 0; g < groups; g++) {
      const part = partOf(weight, gram, g * size, size, kernels);
      const limits = await chooseLimits(part, { ...rounding, groupSize: together ? groupSize : 'channel' });
      for (let r = 0; r < weight.rows; r++) {
        if (exempt?.[r] || limits[r] === Number.POSITIVE_INFINITY) continue;
        cut[r * groups + g] = 1;
        clampRow(output.data.subarray(r * weight.columns + g * size).subarray(0, size), limits[r]);
      }
    }
    const before = await rowErrors(weight, weight, gram, rounding);
    const after = await rowErrors(weight, output, gram, rounding);
    const worse = (r: number) => after[r] > before[r];
    for (let r = 0; r < weight.rows; r++) {
      if (!worse(r)) continue;
      output.data.set(weight.data.subarray(r * weight.columns, (r + 1) * weight.columns), r * weight.columns);
      cut.fill(0, r * groups, (r + 1) * groups);
    }
    return {
      weight: output,
      clipped: cut.reduce((total, one) => total + one, 0) / Math.max(1, cut.length),
      loss: sum(after.map((error, r) => (worse(r) ? before[r] : error))),
      unclippedLoss: sum(before),
    };
  });
}

interface Part {
  /** `[out, size]` */
  readonly weight: Matrix;
  /** `[size, size]` */
  readonly gram: Matrix;
}

function partOf(weight: Matrix, gram: Matrix, from: number, size: number, kernels: Kernels): Part {
  const columns = ({ rows, columns: n, data }: Matrix, first: number, count: number): Matrix => {
    const part = kernels.matrix(count, size);
    for (let r = 0; r < Math.min(rows, count); r++)
      part.data.set(data.subarray((first + r) * n + from, (first + r) * n + from + size), r * size);
    return part;
  };
  return { weight: columns(weight, 0, weight.rows), gram: columns(gram, from, size) };
}

/** `[out]`: the best limit of each row, infinite where the whole range is best. */
async function chooseLimits({ weight, gram }: Part, rounding: Rounding): Promise<Float64Array> {
  const { kernels } = rounding;
  const { rows, columns, data } = weight;
  const largest = absoluteMaxima(weight, rounding.groupSize === 'tensor');
  const limits = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const least = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const trial = kernels.matrix(rows, columns);
  for (let step = 0; step < STEPS; step++) {
    const limit = (r: number) => largest[r] * (1 - step / STEPS_OF_WHOLE);
    trial.data.set(data);
    if (step > 0)
      for (let r = 0; r < rows; r++) clampRow(trial.data.subarray(r * columns, (r + 1) * columns), limit(r));
    const errors = await rowErrors(weight, trial, gram, rounding);
    for (let r = 0; r < rows; r++) {
      if (!(errors[r] < least[r])) continue;
      least[r] = errors[r];
      if (step > 0) limits[r] = limit(r);
    }
  }
  return limits;
}

/** The error of each row; where all share one range, the mean of all rows, so that they choose alike. */
async function rowErrors(weight: Matrix, rounded: Matrix, gram: Matrix, rounding: Rounding): Promise<Float64Array> {
  const errors = await roundingErrors(weight, rounded, gram, rounding);
  return rounding.groupSize === 'tensor' ? errors.fill(sum(errors) / Math.max(1, errors.length)) : errors;
}

function absoluteMaxima({ rows, columns, data }: Matrix, together: boolean): Float64Array {
  const maxima = new Float64Array(rows);
  for (let i = 0; i < data.length; i++) {
    const r = Math.floor(i / columns);
    maxima[r] = Math.max(maxima[r], Math.abs(data[i]));
  }
  return together ? maxima.fill(maxima.reduce((most, value) => Math.max(most, value), 0)) : maxima;
}

function clampRow(row: Float32Array, limit: number): void {
  for (let c = 0; c < row.length; c++) row[c] = Math.min(Math.max(row[c], -limit), limit);
}
