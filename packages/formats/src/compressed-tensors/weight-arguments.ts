import type { Grid, ScaleRows } from '@compress/core';
import { FP4_GROUP } from './fp4-layout.ts';
import type { Layout } from './layout.ts';

/** `QuantizationArgs` of weights on a grid; `groupSize` is -1 for one group a row. Keys that say nothing are left out where the library leaves them out. */
export function weightArguments(layout: Layout, { bits, symmetric }: Grid, groupSize: number, scaleRows: ScaleRows) {
  const type = layout === 'pack-quantized' || layout === 'int-quantized' ? 'int' : 'float';
  const common = { num_bits: bits, type, symmetric, dynamic: false };
  if (layout === 'nvfp4-pack-quantized')
    return { ...common, strategy: 'tensor_group', group_size: FP4_GROUP[layout], scale_dtype: 'torch.float8_e4m3fn' };
  if (layout === 'mxfp4-pack-quantized')
    return { ...common, strategy: 'group', group_size: FP4_GROUP[layout], scale_dtype: 'torch.uint8' };
  if (scaleRows === 'all') return { ...common, strategy: 'tensor', group_size: null };
  if (scaleRows > 1) return { ...common, strategy: 'block', group_size: null, block_structure: [scaleRows, groupSize] };
  return groupSize === -1
    ? { ...common, strategy: 'channel', group_size: null }
    : { ...common, strategy: 'group', group_size: groupSize };
}
