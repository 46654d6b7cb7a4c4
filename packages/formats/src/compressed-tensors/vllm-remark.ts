import type { Grid, LinearSpec, Treatment } from '@compress/core';
import { type Layout, layoutOf } from './layout.ts';

/** Groups of packed integers that its kernels have, beside whole rows. */
const GROUPS: readonly number[] = [32, 64, 128];
const BITS: readonly number[] = [4, 8];
const BLOCK = 128;

/** What vLLM's kernels do not run of what the compressed-tensors library and transformers do. */
export function vllmRemark(
  { inFeatures }: LinearSpec,
  grid: Grid,
  groupSize: number,
  { activations, scaleRows = 1 }: Treatment,
): string | undefined {
  const { bits, name } = grid;
  const byRow = groupSize === inFeatures;
  const blocks = typeof scaleRows === 'number' && scaleRows > 1;
  const remarks: Partial<Record<Layout, () => string | undefined>> = {
    'pack-quantized': () => {
      if (!BITS.includes(bits)) return `vLLM's kernels run 4 and 8 bits, not ${bits}: transformers does.`;
      return byRow || GROUPS.includes(groupSize)
        ? undefined
        : `vLLM's kernels run groups of 32, 64, 128 or one a row, not ${groupSize}: transformers does.`;
    },
    'int-quantized': () => {
      if (bits !== 8 || activations?.bits !== 8)
        return `vLLM's kernels multiply int8 with int8, not ${name} with ${activations?.bits} bits: transformers simulates it.`;
      return byRow && !blocks
        ? undefined
        : 'vLLM leaves activations in floats where int8 weights have scales of groups: use "groupSize: channel".';
    },
    'float-quantized': () => {
      if (blocks)
        return scaleRows === BLOCK && groupSize === BLOCK
          ? undefined
          : `vLLM's kernels run blocks of [128, 128], not [${scaleRows}, ${groupSize}]: transformers does.`;
      return byRow
        ? undefined
        : `vLLM's kernels run ${name} with scales of the whole weight, of rows or of blocks, not of groups: transformers does.`;
    },
  };
  const layout = layoutOf(grid, activations);
  return layout && remarks[layout]?.();
}
