import type { Grid } from '@compress/core';

/** The types that scales have where they are floats, by their names in a header. */
export const SCALE_DTYPES = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

/** That of a grid; undefined where its scales are no floats. */
export function floatScaleType({ scaleType }: Pick<Grid, 'scaleType'>): keyof typeof SCALE_DTYPES | undefined {
  return scaleType === 'f32' || scaleType === 'f16' || scaleType === 'bf16' ? scaleType : undefined;
}
