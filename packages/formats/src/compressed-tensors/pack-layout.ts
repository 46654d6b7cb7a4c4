/** Dimensions of a Linear in this format, in the letters of its shapes. */
export interface PackShape {
  readonly bits: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly groups: number;
  readonly symmetric: boolean;
  readonly scaleType: 'F16' | 'BF16' | 'F32';
}

/** The tensors that replace a weight: suffix, dtype and shape. Words of 32 bits are written as I32. */
export function packTensors({ bits, inFeatures, outFeatures, groups, symmetric, scaleType }: PackShape) {
  const zeros = { dtype: 'I32', shape: [wordsFor(outFeatures, bits), groups] } as const;
  return {
    weight_packed: { dtype: 'I32', shape: [outFeatures, wordsFor(inFeatures, bits)] },
    weight_scale: { dtype: scaleType, shape: [outFeatures, groups] },
    weight_shape: { dtype: 'I64', shape: [2] },
    ...(!symmetric && { weight_zero_point: zeros }),
  } as const;
}

/** Words that `count` codes of `bits` bits take, the last one padded. */
export function wordsFor(count: number, bits: number): number {
  return Math.ceil((count * bits) / 32);
}
