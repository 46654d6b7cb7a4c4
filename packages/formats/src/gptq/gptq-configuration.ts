import type { Format } from '@compress/core';
import { zeroOffset } from './zero-offset.ts';

/**
 * `quantization_config` of config.json, which is also the content of `quantize_config.json`. A Linear that stays in floats inside the
 * blocks is excluded for GPTQModel and vLLM by a `dynamic` rule, and for transformers by `modules_in_block_to_quantize` where all
 * blocks agree. The head needs no rule: it is taken to be in floats unless `lm_head` says otherwise.
 */
export const gptqConfiguration: Format['configuration'] = ({ grid, groupSize, reordered, quantized, untouched }) => {
  const excluded = untouched.filter((name) => inBlock(name) !== undefined);
  const modules = excluded.length === 0 ? undefined : sharedModules(quantized, excluded);
  return {
    quant_method: 'gptq',
    checkpoint_format: zeroOffset(grid.symmetric) === 1 ? 'gptq' : 'gptq_v2',
    bits: grid.bits,
    group_size: groupSize,
    sym: grid.symmetric,
    desc_act: reordered === true,
    lm_head: quantized.some((name) => name === 'lm_head'),
    pack_dtype: 'int32',
    ...(excluded.length > 0 && {
      dynamic: Object.fromEntries(excluded.map((name) => [`-:^${escapePattern(name)}$`, {}])),
    }),
    ...(modules !== undefined && { modules_in_block_to_quantize: [modules] }),
  };
};

/** Position of a Linear: its block (`model.layers.3`) and its path in there; undefined outside the blocks. */
function inBlock(name: string): { readonly block: string; readonly path: string } | undefined {
  const match = /^(.*?\.\d+)\.(.+)$/.exec(name);
  return match === null ? undefined : { block: match[1], path: match[2] };
}

/** The paths that are quantized, if they are the same in every block. */
function sharedModules(quantized: readonly string[], excluded: readonly string[]): readonly string[] | undefined {
  const blocks = new Map<string, string[]>(excluded.map((name) => [inBlock(name)!.block, []]));
  for (const place of quantized.map(inBlock)) {
    if (place !== undefined) blocks.set(place.block, [...(blocks.get(place.block) ?? []), place.path]);
  }
  const sets = new Set([...blocks.values()].map((paths) => paths.sort().join('\n')));
  return sets.size === 1 ? [...sets][0].split('\n') : undefined;
}

function escapePattern(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
