import { type Factorization, gatherColumns, scatterColumns } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/**
 * The weight whose outputs for the activations x~ that the Linear will see are nearest to what `weight` made of the float model's x: least
 * squares of |W x - T x~|^2 over calibration, T = W + W D H^-1 with D = E[(x - x~) x~^T] and H the damped gram of x~. GPTQ of T is then GPTQ of this
 * error. The same target as GPTAQ (Li et al., 2025) and Qronos (Zhang et al., 2025), here as a step of its own: what a column cannot make good
 * of its own deviation, all others do, before any is rounded.
 */
export async function floatTarget(p: {
  /** `[R, n]` */
  readonly weight: Matrix;
  /** `[n, n]`: the mean of (x - x~)^T x~. */
  readonly crossGram: Matrix;
  readonly factorization: Factorization;
  readonly kernels: Kernels;
}): Promise<Matrix> {
  const { weight, crossGram, kernels } = p;
  const { permutation, factor } = p.factorization;
  const { rows, columns } = weight;
  const pulled = kernels.matrix(rows, columns);
  await kernels.multiply({ left: weight, right: crossGram, output: pulled });
  // H^-1 = U^T U for columns in the order of the sweep.
  const placed = kernels.matrix(rows, columns);
  gatherColumns(pulled.data, permutation, placed.data);
  const half = kernels.matrix(rows, columns);
  await kernels.linear({ input: placed, weight: factor, output: half });
  await kernels.multiply({ left: half, right: factor, output: placed });
  const target = kernels.matrix(rows, columns);
  scatterColumns(placed.data, permutation, target.data);
  for (let i = 0; i < target.data.length; i++) target.data[i] += weight.data[i];
  return target;
}
