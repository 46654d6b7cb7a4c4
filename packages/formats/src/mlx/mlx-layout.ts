import type { Dtype, Grid } from '@compress/core';

/** How MLX lays out a weight: integers with a scale and an offset a group, or MXFP4. */
export type MlxMode = 'affine' | 'mxfp4';

/** What MLX's kernels take. */
export const AFFINE_BITS: readonly number[] = [2, 3, 4, 5, 6, 8];
export const AFFINE_GROUPS: readonly number[] = [32, 64, 128];
export const MXFP4_GROUP = 32;

/** E2M1 by nibble: sign, exponent, mantissa. */
const MAGNITUDES = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
export const E2M1_BY_CODE: Float32Array = Float32Array.of(...MAGNITUDES, ...MAGNITUDES.map((x) => -x));
/** Its levels as a grid has them: ascending, one zero. */
export const E2M1_LEVELS: Float32Array = Float32Array.from(new Set([...E2M1_BY_CODE].map((x) => x + 0))).sort();

/** The mode of a grid; undefined where there is none. */
export function modeOf({ codes, bits, scaleType, nested }: Grid): MlxMode | undefined {
  if (nested !== undefined) return undefined;
  if (codes.kind === 'integer')
    return AFFINE_BITS.includes(bits) && codes.maxCode === 2 ** bits - 1 ? 'affine' : undefined;
  const e2m1 = codes.kind === 'table' && String(codes.levels) === String(E2M1_LEVELS);
  return e2m1 && scaleType === 'e8m0' ? 'mxfp4' : undefined;
}

/**
 * The dtype of affine scales and offsets. An offset is minus zero point times scale: of a symmetric grid that is exact in the type of its scales, as its zero point
 * is a power of two; of an asymmetric one in F32.
 */
export function affineDtype({ symmetric, scaleType }: Grid): 'F16' | 'BF16' | 'F32' {
  if (!symmetric) return 'F32';
  return scaleType === 'f16' ? 'F16' : scaleType === 'bf16' ? 'BF16' : 'F32';
}

/** Dimensions of a Linear in this format. */
export interface MlxShape {
  readonly mode: MlxMode;
  readonly bits: number;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly groups: number;
  /** Of affine scales and offsets. */
  readonly dtype: 'F16' | 'BF16' | 'F32';
}

/** The tensors that stand for a weight: suffix, dtype and shape. Groups of 32 fill words. */
export function mlxTensors({
  mode,
  bits,
  outFeatures,
  inFeatures,
  groups,
  dtype,
}: MlxShape): Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>> {
  const shape = [outFeatures, groups];
  return {
    weight: { dtype: 'U32', shape: [outFeatures, (inFeatures * bits) / 32] },
    scales: { dtype: mode === 'affine' ? dtype : 'U8', shape },
    ...(mode === 'affine' && { biases: { dtype, shape } }),
  };
}
