import { z } from 'zod';
import { readRope } from '../config/read-rope.ts';
import { optional, size, without } from '../config/read-with.ts';
import { headsOf, layerTypes, slidingLayers, standardConfig } from '../config/standard-config.ts';
import { gatedNetwork, rmsNorm } from '../decoder/parts.ts';
import { separateAttention } from '../decoder/separate-attention.ts';
import { standardDecoder } from '../decoder/standard-decoder.ts';
import { defineArchitecture } from './architecture.ts';

/**
 * Gemma 3, text: gains stored less 1, a norm before and after each half of a block, normed heads, embeddings times sqrt(hidden), and
 * windowed layers with a rope of their own between the full ones.
 */
export const gemma3 = defineArchitecture({
  name: 'gemma3',
  modelTypes: ['gemma3_text', 'gemma3'],
  prefixes: ['model.', '', 'language_model.model.', 'model.language_model.'],
  config: standardConfig.omit({ hidden_act: true }).extend({
    head_dim: optional(size, 256),
    hidden_activation: optional(z.literal('gelu_pytorch_tanh'), 'gelu_pytorch_tanh'),
    tie_word_embeddings: optional(z.boolean(), true),
    attention_bias: optional(z.boolean(), false),
    query_pre_attn_scalar: optional(z.number().positive(), 256),
    rope_local_base_freq: optional(z.number().positive(), 10_000),
    sliding_window: optional(size, 4096),
    sliding_window_pattern: optional(size, 6),
    layer_types: layerTypes,
    attn_logit_softcapping: without('attention softcapping'),
    final_logit_softcapping: without('softcapping of logits'),
    use_bidirectional_attention: without('bidirectional attention', false),
  }),
  decoder(config, prefix) {
    const shape = headsOf(config);
    const { attention_bias: bias, rms_norm_eps: epsilon, sliding_window, sliding_window_pattern: pattern } = config;
    const globalRope = readRope(config, { ...shape, theta: 1_000_000, layerType: 'full_attention' });
    // Old writers: rope_theta and rope_scaling speak of the full layers alone.
    const localConfig = { ...config, rope_scaling: null, rope_theta: config.rope_local_base_freq };
    const localRope = readRope(localConfig, { ...shape, layerType: 'sliding_attention' });
    const sliding = slidingLayers(config.layer_types, config.num_hidden_layers, (i) => (i + 1) % pattern !== 0);
    const norm = (name: string) => rmsNorm(name, epsilon, true);
    return standardDecoder(
      config,
      prefix,
      (path, layer) => ({
        attention: separateAttention({
          ...shape,
          path: `${path}.self_attn`,
          norm: norm(`${path}.input_layernorm`),
          inputBias: bias,
          outputBias: bias,
          headNorms: { epsilon, unitOffset: true },
          rope: sliding[layer] ? localRope : globalRope,
          window: sliding[layer] ? sliding_window : undefined,
          scale: 1 / Math.sqrt(config.query_pre_attn_scalar),
          outputNorm: norm(`${path}.post_attention_layernorm`),
        }),
        feedForward: {
          kind: 'dense',
          norm: norm(`${path}.pre_feedforward_layernorm`),
          network: gatedNetwork(`${path}.mlp`, shape.hidden, config.intermediate_size, 'gelu-tanh'),
          outputNorm: norm(`${path}.post_feedforward_layernorm`),
        },
      }),
      { embeddingScale: Math.sqrt(shape.hidden), unitOffset: true },
    );
  },
});
