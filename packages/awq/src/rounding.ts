import { fitRounding, type Grid, type GroupSize } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/** The rounding that scales and clips are searched for. */
export interface Rounding {
  readonly grid: Grid;
  readonly groupSize: GroupSize;
  /** The Linear's name, for errors. */
  readonly layer?: string | undefined;
  readonly kernels: Kernels;
}

/** A weight and what takes its place before it is rounded. */
export interface Replaced {
  /** `[R, n]` */
  readonly weight: Matrix;
  /** `[R, n]` */
  readonly rounded: Matrix;
  /** `[n]`: rounded columns are divided by them. @default 1 */
  readonly divisors?: Float32Array;
  /** `[n, n]`: the mean of x^T x. */
  readonly gram: Matrix;
  /** Equal parts of the columns, each of which is measured by itself. @default 1 */
  readonly parts?: number;
}

/** tr((W - Q) G (W - Q)^T) by rows and parts, `[R, parts]`: Q is what rounding makes of `rounded`, the columns divided again. */
export async function roundingErrors(
  { weight, rounded, divisors, gram, parts = 1 }: Replaced,
  rounding: Rounding,
): Promise<Float64Array> {
  const importance = importanceOf(gram, divisors, rounding);
  const fitted = await fitRounding({ ...rounding, weight: rounded, importance });
  return rounding.kernels.roundingError({
    ...fitted,
    grid: fitted.grid.codes,
    weight,
    rounded,
    ...(divisors && { divisors }),
    hessian: gram,
    parts,
  });
}

/** What an error costs in each column, for grids whose scales ask: the mean square of the activation that the rounded column meets. */
export function importanceOf(
  gram: Matrix,
  divisors: Float32Array | undefined,
  { grid }: Pick<Rounding, 'grid'>,
): Float32Array | undefined {
  if (grid.scales !== 'hessian') return undefined;
  const { columns, data } = gram;
  return Float32Array.from({ length: columns }, (_, c) => data[c * columns + c] / (divisors?.[c] ?? 1) ** 2);
}

export function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
