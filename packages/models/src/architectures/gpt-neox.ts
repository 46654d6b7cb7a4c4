import { z } from 'zod';
import { readRope, ropeKeys } from '../config/read-rope.ts';
import { blockCount, optional, size } from '../config/read-with.ts';
import { headsOf } from '../config/standard-config.ts';
import { layerNorm, linear, plainNetwork } from '../decoder/parts.ts';
import { defineArchitecture } from './architecture.ts';

/** GPT-NeoX and Pythia: q, k and v of each head lie together in one Linear, a part of each head is rotated, both halves read the block's input. */
export const gptNeox = defineArchitecture({
  name: 'gpt_neox',
  modelTypes: ['gpt_neox'],
  prefixes: ['gpt_neox.', ''],
  buffers: /\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/,
  config: z.object({
    vocab_size: size,
    hidden_size: size,
    intermediate_size: size,
    num_hidden_layers: blockCount,
    num_attention_heads: size,
    max_position_embeddings: size,
    layer_norm_eps: optional(z.number().positive(), 1e-5),
    hidden_act: optional(z.enum(['gelu', 'gelu_new', 'gelu_fast', 'relu']), 'gelu'),
    use_parallel_residual: optional(z.boolean(), true),
    attention_bias: optional(z.boolean(), true),
    rotary_pct: optional(z.number().positive(), 0.25),
    rotary_emb_base: optional(z.number().positive(), 10_000),
    tie_word_embeddings: optional(z.boolean(), false),
    ...ropeKeys,
  }),
  decoder(config, prefix) {
    const { layer_norm_eps: epsilon, attention_bias: bias, hidden_act: told } = config;
    const { hidden, ...shape } = headsOf(config);
    const { headDimension } = shape;
    const rope = readRope(config, { headDimension, theta: config.rotary_emb_base, partial: config.rotary_pct });
    const activation = told === 'gelu' || told === 'relu' ? told : 'gelu-tanh';
    return {
      hiddenSize: hidden,
      vocabularySize: config.vocab_size,
      contextLength: config.max_position_embeddings,
      tokenTable: `${prefix}embed_in.weight`,
      embeddingScale: 1,
      blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
        const path = `${prefix}layers.${layer}`;
        return {
          path,
          attention: {
            norm: layerNorm(`${path}.input_layernorm`, epsilon),
            linears: [linear(`${path}.attention.query_key_value`, 3 * hidden, hidden, { bias })],
            query: { linear: 0, first: 0, stride: 3 * headDimension },
            key: { linear: 0, first: headDimension, stride: 3 * headDimension },
            value: { linear: 0, first: 2 * headDimension, stride: 3 * headDimension },
            ...shape,
            rope,
            scale: 1 / Math.sqrt(headDimension),
            output: linear(`${path}.attention.dense`, hidden, hidden, { bias }),
          },
          feedForward: {
            kind: 'dense',
            norm: layerNorm(`${path}.post_attention_layernorm`, epsilon),
            network: plainNetwork(hidden, config.intermediate_size, activation, {
              first: `${path}.mlp.dense_h_to_4h`,
              second: `${path}.mlp.dense_4h_to_h`,
            }),
            parallel: config.use_parallel_residual,
          },
        };
      }),
      finalNorm: layerNorm(`${prefix}final_layer_norm`, epsilon),
      head: 'embed_out',
      tied: config.tie_word_embeddings,
    };
  },
});
