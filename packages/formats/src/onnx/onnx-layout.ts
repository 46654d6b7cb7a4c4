import type { Dtype, Grid } from '@compress/core';

/** Widths of codes that MatMulNBits of onnxruntime takes and that fill bytes. */
export const BITS: readonly number[] = [2, 4, 8];
/** The smallest block of MatMulNBits; all are powers of two. */
export const SMALLEST_BLOCK = 16;

/** Suffixes of the tensors that stand for `X.weight`; those of symmetric grids have no zero points, which are then 2^(bits - 1). */
export const SUFFIXES = { quant: 'weight_quant', scales: 'weight_scales', zeros: 'weight_zeros' } as const;

/** The names of the tensors that stand for a weight. */
export function codeTensors(weight: string): Readonly<Record<keyof typeof SUFFIXES, string>> {
  const prefix = weight.slice(0, -'weight'.length);
  return {
    quant: `${prefix}${SUFFIXES.quant}`,
    scales: `${prefix}${SUFFIXES.scales}`,
    zeros: `${prefix}${SUFFIXES.zeros}`,
  };
}

/** Dimensions of a Linear in this format. */
export interface OnnxShape {
  readonly bits: number;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly groups: number;
  readonly symmetric: boolean;
  /** Of the scales. */
  readonly dtype: ScaleDtype;
}

/** What scales can be stored in; the graph makes f32 of them. */
export type ScaleDtype = 'F16' | 'BF16' | 'F32';

/** The dtype of a grid's scales, undefined where the format has none. */
export function scaleDtype({ scaleType }: Grid): ScaleDtype | undefined {
  return scaleType === 'f16' ? 'F16' : scaleType === 'bf16' ? 'BF16' : scaleType === 'f32' ? 'F32' : undefined;
}

/** Bytes of a row's zero points: packed as codes are, the last byte filled up. */
export function zeroBytes(groups: number, bits: number): number {
  return Math.ceil((groups * bits) / 8);
}

/** The tensors that stand for a weight: suffix, dtype and shape, as MatMulNBits asks for them. */
export function onnxTensors({
  bits,
  outFeatures,
  inFeatures,
  groups,
  symmetric,
  dtype,
}: OnnxShape): Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>> {
  return {
    [SUFFIXES.quant]: { dtype: 'U8', shape: [outFeatures, groups, ((inFeatures / groups) * bits) / 8] },
    [SUFFIXES.scales]: { dtype, shape: [outFeatures * groups] },
    ...(!symmetric && { [SUFFIXES.zeros]: { dtype: 'U8', shape: [outFeatures * zeroBytes(groups, bits)] } }),
  };
}
