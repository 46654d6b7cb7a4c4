import { CompressError, type LinearSpec } from '@compress/core';

/** Widths that transformers and vLLM read. */
export const GPTQ_BITS: readonly number[] = [2, 3, 4, 8];

/** Dimensions of a Linear in this format, in the letters of its shapes. */
export interface GptqShape {
  readonly bits: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly groups: number;
}

/** The tensors that replace a weight: suffix, dtype and shape. `qweight` and `qzeros` are 32-bit words, written as I32. */
export function gptqTensors({ bits, inFeatures, outFeatures, groups }: GptqShape) {
  return {
    qweight: { dtype: 'I32', shape: [(inFeatures * bits) / 32, outFeatures] },
    qzeros: { dtype: 'I32', shape: [groups, (outFeatures * bits) / 32] },
    scales: { dtype: 'F16', shape: [groups, outFeatures] },
    g_idx: { dtype: 'I32', shape: [inFeatures] },
  } as const;
}

/** `model.layers.0.mlp.up_proj` of `model.layers.0.mlp.up_proj.weight`; undefined for a tensor of another name. */
export function gptqPrefix(spec: LinearSpec): string | undefined {
  return spec.weight.endsWith('.weight') ? spec.weight.slice(0, -'.weight'.length) : undefined;
}

/** A stored zero point of an asymmetric grid must be one of its codes, a symmetric one its middle. */
export function checkZero(zero: number, bits: number, symmetric: boolean, tensor: string): void {
  const middle = 2 ** (bits - 1);
  if (symmetric ? zero === middle : Number.isInteger(zero) && zero >= 0 && zero < 2 * middle) return;
  throw new CompressError(
    'not-representable',
    symmetric
      ? `The zero point ${zero} is not ${middle}, the only one of a symmetric grid of ${bits} bits.`
      : `The zero point ${zero} is no code of ${bits} bits.`,
    { tensor },
  );
}
