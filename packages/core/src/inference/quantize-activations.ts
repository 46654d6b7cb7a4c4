import type { Kernels, Matrix } from '@compress/kernels';
import type { ActivationQuantizer } from './inference.ts';
import { roundRowsToE4m3 } from './round-rows-to-e4m3.ts';

/** What `[tokens, features]` become when they are held in so many bits: a new matrix of the values of their codes. */
export async function quantizeActivations(
  input: Matrix,
  { grid, bits, scale }: ActivationQuantizer,
  kernels: Kernels,
): Promise<Matrix> {
  const output = kernels.matrix(input.rows, input.columns);
  if (grid === 'fp8') roundRowsToE4m3(input, scale, output);
  else await kernels.fakeQuantize({ input, bits, scale, output });
  return output;
}
