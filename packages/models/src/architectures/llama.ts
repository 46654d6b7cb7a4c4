import { z } from 'zod';
import { readRope } from '../config/read-rope.ts';
import { optional, size, without } from '../config/read-with.ts';
import { headsOf, standardConfig } from '../config/standard-config.ts';
import { gatedNetwork, rmsNorm } from '../decoder/parts.ts';
import { separateAttention } from '../decoder/separate-attention.ts';
import { standardDecoder } from '../decoder/standard-decoder.ts';
import { defineArchitecture } from './architecture.ts';

/** Llama 1 to 3, Mistral (with its sliding window), SmolLM2 and all that say they are one of these. */
export const llama = defineArchitecture({
  name: 'llama',
  modelTypes: ['llama', 'mistral'],
  prefixes: ['model.', ''],
  buffers: /\.rotary_emb\.inv_freq$/,
  config: standardConfig.extend({
    attention_bias: optional(z.boolean(), false),
    mlp_bias: optional(z.boolean(), false),
    sliding_window: size.nullish(),
    layer_types: without('layer_types'),
  }),
  decoder(config, prefix) {
    const shape = headsOf(config);
    const rope = readRope(config, shape);
    const { attention_bias: bias, mlp_bias, intermediate_size, rms_norm_eps: epsilon } = config;
    return standardDecoder(config, prefix, (path) => ({
      attention: separateAttention({
        ...shape,
        path: `${path}.self_attn`,
        norm: rmsNorm(`${path}.input_layernorm`, epsilon),
        inputBias: bias,
        outputBias: bias,
        rope,
        window: config.sliding_window ?? undefined,
      }),
      feedForward: {
        kind: 'dense',
        norm: rmsNorm(`${path}.post_attention_layernorm`, epsilon),
        network: gatedNetwork(`${path}.mlp`, shape.hidden, intermediate_size, 'silu', { bias: mlp_bias }),
      },
    }));
  },
});
