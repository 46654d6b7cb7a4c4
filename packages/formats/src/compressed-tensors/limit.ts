import type { Grid, LinearSpec, Objection, Treatment } from '@compress/core';
import { layerPrefix } from '../layer-prefix.ts';
import { FP4_GROUP } from './fp4-layout.ts';
import { type Layout, layoutOf } from './layout.ts';
import { floatScaleType } from './scale-dtype.ts';

/** Why the format, or every consumer of it, cannot hold a Linear. */
export function limit(
  linear: LinearSpec,
  grid: Grid,
  groupSize: number,
  reordered = false,
  treatment: Treatment = {},
): Objection | undefined {
  const layout = layoutOf(grid, treatment.activations);
  const message =
    ofLinear(linear) ??
    (layout === undefined ? ofOtherGrid(grid) : ofGrid(layout, grid, treatment)) ??
    ofGroups(layout, linear, grid, groupSize) ??
    (reordered
      ? 'Consumers of compressed-tensors have no index of groups any more, which "order: act" needs: use "order: act-static".'
      : undefined);
  return message === undefined ? undefined : { layer: linear.name, message };
}

function ofLinear(linear: LinearSpec): string | undefined {
  if (layerPrefix(linear) === undefined)
    return `The format compressed-tensors names its tensors after a .weight, not after ${linear.weight}.`;
  return linear.transposed
    ? 'Consumers of compressed-tensors look for Linear modules and would pass over this Conv1D: write it as gptq or dense.'
    : undefined;
}

function ofOtherGrid({ name }: Grid): string {
  return `The format compressed-tensors holds integer grids, fp8-e4m3, nvfp4 and mxfp4, not ${name}: write it as dense.`;
}

function ofGrid(layout: Layout, grid: Grid, { activations }: Treatment): string | undefined {
  const { bits, name, symmetric, scaleType } = grid;
  const scales = floatScaleType(grid);
  if (layout === 'pack-quantized') {
    if (bits < 2 || bits > 8)
      return `The format compressed-tensors holds 2 to 8 bits (vLLM runs 4 and 8), not ${bits}.`;
    return scales === 'f16' || scales === 'bf16'
      ? undefined
      : `The format compressed-tensors stores scales as f16 or bf16, not ${scaleType}.`;
  }
  if (layout === 'int-quantized' && !symmetric)
    return `vLLM multiplies rounded activations with symmetric weights alone, not ${name}: use int${bits}.`;
  if (layout !== 'int-quantized' && layout !== 'float-quantized')
    return activations === undefined
      ? undefined
      : `The format compressed-tensors is written with ${name} for activations in floats: leave their rounding out, or choose the format "dense".`;
  const floats = activations?.grid === 'fp8';
  if (activations !== undefined && floats !== (layout === 'float-quantized'))
    return `No consumer of compressed-tensors multiplies ${name} with activations in ${floats ? 'fp8' : 'integers'}: give both ${floats ? 'fp8 ("grid: fp8-e4m3")' : 'integers ("grid: int8")'}, or choose the format "dense".`;
  return scales === undefined
    ? `The format compressed-tensors stores scales as f32, f16 or bf16, not ${scaleType}.`
    : undefined;
}

function ofGroups(
  layout: Layout | undefined,
  { inFeatures }: LinearSpec,
  { bits, name }: Grid,
  groupSize: number,
): string | undefined {
  if (layout === 'nvfp4-pack-quantized' || layout === 'mxfp4-pack-quantized') {
    const needed = FP4_GROUP[layout];
    if (groupSize !== needed)
      return `Consumers read ${name} in groups of ${needed}, not ${groupSize}: say "groupSize: ${needed}".`;
  }
  if (inFeatures % groupSize !== 0) return `${inFeatures} input columns cannot be cut into groups of ${groupSize}.`;
  return layout === 'pack-quantized' && groupSize === inFeatures && (inFeatures * bits) % 32 !== 0
    ? `${inFeatures} codes of ${bits} bits do not fill words of 32 bits, and with one group a row readers cannot tell how many there are: use a smaller group size.`
    : undefined;
}
