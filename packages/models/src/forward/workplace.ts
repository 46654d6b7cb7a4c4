import type { Norm, Rope, SectionWeights } from '@compress/core';
import type { Kernels, Matrix, Rotary } from '@compress/kernels';

/** What the stages of one opened section work with. */
export interface Workplace {
  readonly weights: SectionWeights;
  readonly kernels: Kernels;
  rotary(rope: Rope, length: number): Rotary;
}

/** A tensor of the section that is no Linear's. Looked up at each use: transforms replace them. */
export function tensorOf({ weights }: Workplace, name: string): Float32Array {
  const tensor = weights.tensors.get(name);
  if (!tensor) throw new TypeError(`section weights lack the tensor ${name}`);
  return tensor;
}

/** The norm of every row of `input`, in a new matrix. */
export async function applyNorm(norm: Norm, input: Matrix, place: Workplace): Promise<Matrix> {
  const { kernels } = place;
  const { epsilon, unitOffset, bias } = norm;
  const output = kernels.scratch(input.rows, input.columns);
  const gain = tensorOf(place, norm.gain);
  if (norm.kind === 'rms') await kernels.rmsNorm({ input, gain, epsilon, unitOffset, output });
  else
    await kernels.layerNorm({
      input,
      gain,
      ...(bias !== undefined && { bias: tensorOf(place, bias) }),
      epsilon,
      output,
    });
  return output;
}
