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
