import { z } from 'zod';
import { readRope } from '../config/read-rope.ts';
import { optional, size } from '../config/read-with.ts';
import { headsOf, layerTypes, slidingLayers, standardConfig } from '../config/standard-config.ts';
import { gatedNetwork, rmsNorm } from '../decoder/parts.ts';
import { separateAttention } from '../decoder/separate-attention.ts';
import { standardDecoder } from '../decoder/standard-decoder.ts';
import { defineArchitecture } from './architecture.ts';

/** Qwen 2 and 2.5: Llama with biases on q, k and v, and windows in the layers from `max_window_layers` on. */
export const qwen2 = defineArchitecture({
  name: 'qwen2',
  modelTypes: ['qwen2'],
  prefixes: ['model.', ''],
  config: standardConfig.extend({
    use_sliding_window: optional(z.boolean(), false),
    sliding_window: size.nullish(),
    max_window_layers: optional(z.int().nonnegative(), 28),
    layer_types: layerTypes,
  }),
  decoder(config, prefix) {
    const shape = headsOf(config);
    const rope = readRope(config, shape);
    const window = config.use_sliding_window ? (config.sliding_window ?? 4096) : undefined;
    const sliding = slidingLayers(config.layer_types, config.num_hidden_layers, (i) => i >= config.max_window_layers);
    return standardDecoder(config, prefix, (path, layer) => ({
      attention: separateAttention({
        ...shape,
        path: `${path}.self_attn`,
        norm: rmsNorm(`${path}.input_layernorm`, config.rms_norm_eps),
        inputBias: true,
        rope,
        window: sliding[layer] ? window : undefined,
      }),
      feedForward: {
        kind: 'dense',
        norm: rmsNorm(`${path}.post_attention_layernorm`, config.rms_norm_eps),
        network: gatedNetwork(`${path}.mlp`, shape.hidden, config.intermediate_size, 'silu'),
      },
    }));
  },
});
