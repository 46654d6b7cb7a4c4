import {
  dequantizeWeight,
  type Grid,
  type GridChoice,
  type GroupSize,
  type QuantizedWeight,
  quantizeWeight,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/** One Linear and how to quantize it. */
export interface RtnRequest {
  /** `[out, in]`, finite. It is not changed. */
  readonly weight: Matrix;
  /** @default 'int4' */
  readonly grid?: Grid | GridChoice;
  /** @default 128 */
  readonly groupSize?: GroupSize;
  /** `[in]`: mean squared activation of each input channel; only grids with `scales: hessian` need it. */
  readonly importance?: Float32Array | undefined;
  /** The Linear's name, for errors. */
  readonly layer?: string;
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** The codes, and what they cost. */
export interface RtnResult {
  readonly quantized: QuantizedWeight;
  /** |W - Q| / |W| in the Frobenius norm; 0 for a weight of zeros. */
  readonly relativeError: number;
}

/**
 * Rounds each weight to the nearest value of its group's grid: the baseline that every other algorithm must beat.
 *
 * Throws `CompressError`: `weight-not-finite`, `grid-invalid`, `group-size`, `importance-missing`.
 */
export function quantizeRtn(request: RtnRequest): Promise<RtnResult> {
  const { weight, grid = 'int4', groupSize = 128, importance, layer } = request;
  return withKernels(request.kernels, async (kernels) => {
    const quantized = await quantizeWeight({ weight, grid: resolveGrid(grid), groupSize, importance, layer, kernels });
    return { quantized, relativeError: relativeError(weight, await dequantizeWeight(quantized, kernels)) };
  });
}

function relativeError(weight: Matrix, values: Matrix): number {
  let error = 0;
  let norm = 0;
  for (let i = 0; i < weight.data.length; i++) {
    error += (weight.data[i] - values.data[i]) ** 2;
    norm += weight.data[i] ** 2;
  }
  return norm === 0 ? 0 : Math.sqrt(error / norm);
}
