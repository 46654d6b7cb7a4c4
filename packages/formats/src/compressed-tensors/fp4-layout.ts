/** Codes of a group in the two formats that share this layout. */
export const FP4_GROUP = { 'nvfp4-pack-quantized': 16, 'mxfp4-pack-quantized': 32 } as const;

export type Fp4Layout = keyof typeof FP4_GROUP;

/** The tensors that replace a weight: suffix, dtype and shape. Two codes a byte, the first in the lower half. */
export function fp4Tensors(
  layout: Fp4Layout,
  { outFeatures, inFeatures }: { readonly outFeatures: number; readonly inFeatures: number },
) {
  const groups = inFeatures / FP4_GROUP[layout];
  const packed = { dtype: 'U8', shape: [outFeatures, inFeatures / 2] } as const;
  if (layout === 'mxfp4-pack-quantized')
    return { weight_packed: packed, weight_scale: { dtype: 'U8', shape: [outFeatures, groups] } } as const;
  return {
    weight_packed: packed,
    weight_scale: { dtype: 'F8_E4M3', shape: [outFeatures, groups] },
    weight_global_scale: { dtype: 'F32', shape: [1] },
  } as const;
}
