import type { Kernels, Matrix } from '@compress/kernels';
import type { ActivationQuantizer } from './inference.ts';

/** What `[tokens, features]` become when they are held in so many bits: a new matrix of the values of their codes. */
export async function quantizeActivations(
  input: Matrix,
  quantizer: ActivationQuantizer,
  kernels: Kernels,
): Promise<Matrix> {
  const output = kernels.matrix(input.rows, input.columns);
  await kernels.fakeQuantize({ input, ...quantizer, output });
  return output;
}
