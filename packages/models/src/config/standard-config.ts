import { CompressError } from '@compress/core';
import { z } from 'zod';
import { ropeKeys } from './read-rope.ts';
import { blockCount, optional, size } from './read-with.ts';

/** The keys that Llama and its kin share. Keys that do not change the forward pass are not read. */
export const standardConfig = z.object({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: blockCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: optional(z.number().positive(), 1e-6),
  hidden_act: optional(z.literal('silu'), 'silu'),
  tie_word_embeddings: optional(z.boolean(), false),
  ...ropeKeys,
});

/** Rotary frequencies are made for every pair of a head's dimensions. No head has more than some hundreds. */
const MAX_HEAD_DIMENSION = 65_536;

/**
 * Head counts and size; key heads default to the query heads, the size to an even share of the hidden size. Throws `CompressError`
 * `config-invalid` where they do not go into each other.
 */
export function headsOf(config: {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null | undefined;
  readonly head_dim?: number | null | undefined;
}) {
  const { hidden_size: hidden, num_attention_heads: heads } = config;
  const keyHeads = config.num_key_value_heads ?? heads;
  const headDimension = config.head_dim ?? hidden / heads;
  if (!Number.isInteger(headDimension)) throw invalid(`${heads} heads do not divide a hidden size of ${hidden}`);
  if (headDimension > MAX_HEAD_DIMENSION) throw invalid(`heads of ${headDimension} dimensions are larger than any`);
  if (heads % keyHeads !== 0) throw invalid(`${keyHeads} key heads do not divide ${heads} query heads`);
  return { hidden, heads, keyHeads, headDimension };
}

/** The key `layer_types`. */
export const layerTypes = z.array(z.enum(['full_attention', 'sliding_attention'])).nullish();

/** True for each layer whose attention slides: by `layer_types`, or by `otherwise(layer)` where a writer left that out. */
export function slidingLayers(
  types: z.output<typeof layerTypes>,
  layers: number,
  otherwise: (layer: number) => boolean,
): boolean[] {
  if (types && types.length !== layers) throw invalid(`layer_types names ${types.length} layers of ${layers}`);
  return Array.from({ length: layers }, (_, layer) =>
    types ? types[layer] === 'sliding_attention' : otherwise(layer),
  );
}

function invalid(what: string): CompressError {
  return new CompressError('config-invalid', `This configuration cannot be used: ${what}.`, { file: 'config.json' });
}
