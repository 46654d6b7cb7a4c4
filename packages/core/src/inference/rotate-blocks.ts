import type { Kernels, Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { hadamardCore } from '../rotation/hadamard-matrix.ts';
import type { RotationSpec } from './inference.ts';

/**
 * Rotates each `size` neighbouring columns of every row: heads, or the whole width. Returns a new matrix. Throws `CompressError`
 * `rotation-unknown` for a size that no construction has.
 */
export async function rotateBlocks(input: Matrix, { size }: RotationSpec, kernels: Kernels): Promise<Matrix> {
  const factor = hadamardCore(size);
  if (!factor)
    throw new CompressError(
      'rotation-unknown',
      `There is no Hadamard matrix of order ${size} in this version, so this model cannot be run.`,
    );
  const output = kernels.matrix(input.rows, input.columns);
  await kernels.hadamard({ input, size, ...(factor.rows > 1 && { factor }), output });
  return output;
}
