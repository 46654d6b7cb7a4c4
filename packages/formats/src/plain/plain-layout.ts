import type { Dtype, ScaleRows } from '@compress/core';

/** Dimensions of a Linear whose codes lie a byte each, in the letters of its shapes. */
export interface PlainShape {
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Of a row, of which the last may be cut off. */
  readonly groups: number;
  /** Columns of a group. */
  readonly groupColumns: number;
  readonly scaleRows: ScaleRows;
  readonly codes: 'I8' | 'F8_E4M3';
  readonly scaleType: 'F16' | 'BF16' | 'F32';
  readonly symmetric: boolean;
}

interface Part {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** The tensors that replace a weight: suffix, dtype and shape. */
export function plainTensors({ codes, scaleType, symmetric, ...shape }: Omit<PlainShape, 'groupColumns'>): {
  readonly weight: Part;
  readonly weight_scale: Part;
  readonly weight_zero_point?: Part;
} {
  const scales = scaleShape(shape);
  return {
    weight: { dtype: codes, shape: [shape.outFeatures, shape.inFeatures] },
    weight_scale: { dtype: scaleType, shape: scales },
    ...(!symmetric && { weight_zero_point: { dtype: 'I8', shape: scales } }),
  };
}

function scaleShape({ outFeatures, groups, scaleRows }: Pick<PlainShape, 'outFeatures' | 'groups' | 'scaleRows'>) {
  return scaleRows === 'all' ? [1] : [Math.ceil(outFeatures / scaleRows), groups];
}

/** Where the scale of a row's first group lies among all scales. */
export function scaleOffset(row: number, { groups, scaleRows }: Pick<PlainShape, 'groups' | 'scaleRows'>): number {
  return scaleRows === 'all' ? 0 : Math.floor(row / scaleRows) * groups;
}
