import type { GroupScales, Kernels, Matrix } from '@compress/kernels';
import type { FitRequest } from './fit-grid-scales.ts';
import type { QuantizedWeight } from './grid.ts';
import { columnsPerGroup } from './group-size.ts';
import { scalesBeforeStorage } from './scales-before-storage.ts';

/**
 * Rounds every weight to the nearest value of the grid. Scales are fitted by the grid's rule, or are those given.
 *
 * Throws `CompressError`: `weight-not-finite`, `group-size`, `importance-missing`.
 */
export async function quantizeWeight(
  request: FitRequest & { readonly scales?: GroupScales | undefined },
): Promise<QuantizedWeight> {
  const { weight, grid, groupSize, scales, kernels } = request;
  const { rows, columns } = weight;
  const { chosen, stored } = scales ? { chosen: scales, stored: scales } : await scalesBeforeStorage(request);
  const codes = kernels.uint8(rows * columns);
  await kernels.quantize({ weight, grid: grid.codes, scales: chosen, codes });
  return { rows, columns, grid, groupSize: columnsPerGroup(columns, groupSize), codes, scales: stored };
}

/** The values of the codes, `[rows, columns]`, exactly as a consumer of the stored scales computes them in f32. */
export async function dequantizeWeight(quantized: QuantizedWeight, kernels: Kernels): Promise<Matrix> {
  const { rows, columns, codes, grid, scales } = quantized;
  const output = kernels.matrix(rows, columns);
  await kernels.dequantize({ codes, grid: grid.codes, scales, output });
  return output;
}
