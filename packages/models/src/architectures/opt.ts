import { z } from 'zod';
import { blockCount, optional, size, without } from '../config/read-with.ts';
import { headsOf } from '../config/standard-config.ts';
import { layerNorm, plainNetwork } from '../decoder/parts.ts';
import { separateAttention } from '../decoder/separate-attention.ts';
import { defineArchitecture } from './architecture.ts';

/** OPT but the 350m one, which norms after each half and projects its embeddings: LayerNorm, ReLU, learned positions from row 2 on. */
export const opt = defineArchitecture({
  name: 'opt',
  modelTypes: ['opt'],
  prefixes: ['model.decoder.', 'decoder.', ''],
  config: z
    .object({
      vocab_size: size,
      hidden_size: size,
      num_hidden_layers: blockCount,
      ffn_dim: size,
      num_attention_heads: size,
      max_position_embeddings: size,
      word_embed_proj_dim: size.nullish(),
      do_layer_norm_before: without('normalization after attention and feed-forward (OPT-350m)', true),
      _remove_final_layer_norm: without('a decoder without its final norm', false),
      layer_norm_elementwise_affine: without('LayerNorm without gain and bias', true),
      enable_bias: optional(z.boolean(), true),
      activation_function: optional(z.enum(['relu', 'gelu']), 'relu'),
      tie_word_embeddings: optional(z.boolean(), true),
    })
    .refine((config) => config.hidden_size === (config.word_embed_proj_dim ?? config.hidden_size), {
      path: ['word_embed_proj_dim'],
      error: 'projected embeddings (OPT-350m) are not supported: it must equal hidden_size',
    }),
  decoder(config, prefix) {
    const { enable_bias: bias } = config;
    const shape = headsOf(config);
    const { hidden } = shape;
    const norm = (name: string) => layerNorm(name, 1e-5);
    return {
      hiddenSize: hidden,
      vocabularySize: config.vocab_size,
      contextLength: config.max_position_embeddings,
      tokenTable: `${prefix}embed_tokens.weight`,
      embeddingScale: 1,
      positions: { table: `${prefix}embed_positions.weight`, offset: 2 },
      blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
        const path = `${prefix}layers.${layer}`;
        return {
          path,
          attention: separateAttention({
            ...shape,
            path: `${path}.self_attn`,
            norm: norm(`${path}.self_attn_layer_norm`),
            output: 'out_proj',
            inputBias: bias,
            outputBias: bias,
          }),
          feedForward: {
            kind: 'dense',
            norm: norm(`${path}.final_layer_norm`),
            network: plainNetwork(hidden, config.ffn_dim, config.activation_function, {
              first: `${path}.fc1`,
              second: `${path}.fc2`,
              bias,
            }),
          },
        };
      }),
      finalNorm: norm(`${prefix}final_layer_norm`),
      head: 'lm_head',
      tied: config.tie_word_embeddings,
    };
  },
});
