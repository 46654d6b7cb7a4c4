import { z } from 'zod';
import { blockCount, optional, size, without } from '../config/read-with.ts';
import { headsOf } from '../config/standard-config.ts';
import { layerNorm, linear, plainNetwork } from '../decoder/parts.ts';
import { defineArchitecture } from './architecture.ts';

/** GPT-2: LayerNorm, learned positions, fused q, k and v, and Linears stored `[in, out]` (Conv1D). */
export const gpt2 = defineArchitecture({
  name: 'gpt2',
  modelTypes: ['gpt2'],
  prefixes: ['transformer.', ''],
  buffers: /\.attn\.(bias|masked_bias)$/,
  config: z.object({
    vocab_size: size,
    n_positions: size,
    n_embd: size,
    n_layer: blockCount,
    n_head: size,
    n_inner: size.nullish(),
    layer_norm_epsilon: optional(z.number().positive(), 1e-5),
    activation_function: optional(z.enum(['gelu_new', 'gelu_pytorch_tanh', 'gelu', 'relu']), 'gelu_new'),
    scale_attn_weights: optional(z.boolean(), true),
    scale_attn_by_inverse_layer_idx: optional(z.boolean(), false),
    add_cross_attention: without('cross attention', false),
    tie_word_embeddings: optional(z.boolean(), true),
  }),
  decoder(config, prefix) {
    const { layer_norm_epsilon: epsilon, activation_function: told } = config;
    const { hidden, ...shape } = headsOf({ hidden_size: config.n_embd, num_attention_heads: config.n_head });
    const { headDimension } = shape;
    const activation = told === 'gelu' || told === 'relu' ? told : 'gelu-tanh';
    return {
      hiddenSize: hidden,
      vocabularySize: config.vocab_size,
      contextLength: config.n_positions,
      tokenTable: `${prefix}wte.weight`,
      embeddingScale: 1,
      positions: { table: `${prefix}wpe.weight`, offset: 0 },
      blocks: Array.from({ length: config.n_layer }, (_, layer) => {
        const path = `${prefix}h.${layer}`;
        const scale = config.scale_attn_weights ? 1 / Math.sqrt(headDimension) : 1;
        const stored = { bias: true, transposed: true };
        return {
          path,
          attention: {
            norm: layerNorm(`${path}.ln_1`, epsilon),
            linears: [linear(`${path}.attn.c_attn`, 3 * hidden, hidden, stored)],
            query: { linear: 0, first: 0, stride: headDimension },
            key: { linear: 0, first: hidden, stride: headDimension },
            value: { linear: 0, first: 2 * hidden, stride: headDimension },
            ...shape,
            scale: config.scale_attn_by_inverse_layer_idx ? scale / (layer + 1) : scale,
            output: linear(`${path}.attn.c_proj`, hidden, hidden, stored),
          },
          feedForward: {
            kind: 'dense',
            norm: layerNorm(`${path}.ln_2`, epsilon),
            network: plainNetwork(hidden, config.n_inner ?? 4 * hidden, activation, {
              first: `${path}.mlp.c_fc`,
              second: `${path}.mlp.c_proj`,
              transposed: true,
            }),
          },
        };
      }),
      finalNorm: layerNorm(`${prefix}ln_f`, epsilon),
      head: 'lm_head',
      tied: config.tie_word_embeddings,
    };
  },
});
