/** The only width that the kernels of AWQ have. */
export const AWQ_BITS = 4;
/** Codes of neighbouring outputs in a word. */
export const AWQ_LANES = 8;

/** Dimensions of a Linear in this format. */
export interface AwqShape {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly groups: number;
}

/** The tensors that replace a weight: suffix, dtype and shape. Words of 32 bits are written as I32. */
export function awqTensors({ inFeatures, outFeatures, groups }: AwqShape) {
  return {
    qweight: { dtype: 'I32', shape: [inFeatures, outFeatures / AWQ_LANES] },
    qzeros: { dtype: 'I32', shape: [groups, outFeatures / AWQ_LANES] },
    scales: { dtype: 'F16', shape: [groups, outFeatures] },
  } as const;
}
