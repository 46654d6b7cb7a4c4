import { z } from 'zod';
import { ropeKeys } from './read-rope.ts';
import { optional, size } from './read-with.ts';

/** The keys that Llama and its kin share. Keys that do not change the forward pass are not read. */
export const standardConfig = z.object({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: optional(z.number().positive(), 1e-6),
  hidden_act: optional(z.literal('silu'), 'silu'),
  tie_word_embeddings: optional(z.boolean(), false),
  ...ropeKeys,
});

/** Head counts and size; key heads default to the query heads, the size to an even share of the hidden size. */
export function headsOf(config: {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null | undefined;
  readonly head_dim?: number | null | undefined;
}) {
  const heads = config.num_attention_heads;
  return {
    hidden: config.hidden_size,
    heads,
    keyHeads: config.num_key_value_heads ?? heads,
    headDimension: config.head_dim ?? Math.trunc(config.hidden_size / heads),
  };
}

/** `layer_types`, or `otherwise(layer)` where a writer left it out: true where attention slides. */
export function slidingLayers(
  layerTypes: readonly ('full_attention' | 'sliding_attention')[] | null | undefined,
  layers: number,
  otherwise: (layer: number) => boolean,
): boolean[] {
  return Array.from({ length: layers }, (_, layer) =>
    layerTypes ? layerTypes[layer] === 'sliding_attention' : otherwise(layer),
  );
}

/** The key `layer_types`. */
export const layerTypes = z.array(z.enum(['full_attention', 'sliding_attention'])).nullish();
