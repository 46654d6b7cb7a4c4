import type { Kernels, Matrix } from '@compress/kernels';
import type { FitRequest } from './fit-grid-scales.ts';
import { fitRounding } from './fit-rounding.ts';
import type { QuantizedWeight, StoredScales } from './grid.ts';
import { columnsPerGroup } from './group-size.ts';
import { requireFinite } from './require-finite.ts';

/**
 * Rounds every weight to the nearest value of the grid. The grid is fitted to the weight, or is one with scales that `fitGrid` returned.
 *
 * Throws `CompressError`: `weight-not-finite`, `group-size`, `importance-missing`.
 */
export async function quantizeWeight(
  request: FitRequest & { readonly scales?: StoredScales | undefined },
): Promise<QuantizedWeight> {
  const { weight, groupSize, kernels } = request;
  const { rows, columns } = weight;
  if (!request.scales) requireFinite('weight', weight, request);
  const given = request.scales && { grid: request.grid, scales: request.scales, stored: request.scales };
  const { grid, scales, stored } = given ?? (await fitRounding(request));
  const codes = kernels.uint8(rows * columns);
  await kernels.quantize({ weight, grid: grid.codes, scales, codes });
  return { rows, columns, grid, groupSize: columnsPerGroup(columns, groupSize), codes, scales: stored };
}

/** The values of the codes, `[rows, columns]`, exactly as a consumer of the stored scales computes them in f32. */
export async function dequantizeWeight(quantized: QuantizedWeight, kernels: Kernels): Promise<Matrix> {
  const { rows, columns, codes, grid, scales } = quantized;
  const output = kernels.matrix(rows, columns);
  await kernels.dequantize({ codes, grid: grid.codes, scales, output });
  return output;
}
