import { dequantizeWeight, type Grid, type GroupSize, quantizeWeight } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/** The rounding that scales and clips are searched for. */
export interface Rounding {
  readonly grid: Grid;
  readonly groupSize: GroupSize;
  /** The Linear's name, for errors. */
  readonly layer?: string | undefined;
  readonly kernels: Kernels;
}

/** The values of `weight` [R, n] after rounding to nearest. `squares` [n], mean squared activations, is for grids with `scales: hessian`. */
export async function roundToNearest(weight: Matrix, squares: Float32Array, rounding: Rounding): Promise<Matrix> {
  const { grid, kernels } = rounding;
  const importance = grid.scales === 'hessian' ? squares : undefined;
  return dequantizeWeight(await quantizeWeight({ ...rounding, weight, importance }), kernels);
}

/** Mean squared activations, `[n]`: the diagonal of the gram. */
export function squaresOf({ rows, columns, data }: Matrix): Float32Array {
  return Float32Array.from({ length: rows }, (_, c) => data[c * columns + c]);
}

/** tr((W - Q) G (W - Q)^T) by rows, `[R]`: Q is what rounding makes of `rounded`, W is `weight`, both [R, n]. */
export async function roundingErrors(
  weight: Matrix,
  rounded: Matrix,
  gram: Matrix,
  rounding: Rounding,
): Promise<Float64Array> {
  const right = await roundToNearest(rounded, squaresOf(gram), rounding);
  return rounding.kernels.weightedError({ left: weight, right, hessian: gram });
}

export function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
