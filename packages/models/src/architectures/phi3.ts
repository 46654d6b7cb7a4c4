import { readRope } from '../config/read-rope.ts';
import { size } from '../config/read-with.ts';
import { headsOf, standardConfig } from '../config/standard-config.ts';
import { linear, rmsNorm } from '../decoder/parts.ts';
import { standardDecoder } from '../decoder/standard-decoder.ts';
import { defineArchitecture } from './architecture.ts';

/** Phi-3 and Phi-4: Llama with q, k and v in one Linear, gate and up in another, and LongRoPE. */
export const phi3 = defineArchitecture({
  name: 'phi3',
  modelTypes: ['phi3'],
  prefixes: ['model.', ''],
  config: standardConfig.extend({ sliding_window: size.nullish() }),
  decoder(config, prefix) {
    const shape = headsOf(config);
    const { hidden, heads, keyHeads, headDimension } = shape;
    const { intermediate_size: features, rms_norm_eps: epsilon, sliding_window } = config;
    // Early writers called LongRoPE `su`, and even `yarn`.
    const rope = readRope(config, { headDimension, aliases: { su: 'longrope', yarn: 'longrope' } });
    return standardDecoder(config, prefix, (path) => ({
      attention: {
        norm: rmsNorm(`${path}.input_layernorm`, epsilon),
        linears: [linear(`${path}.self_attn.qkv_proj`, (heads + 2 * keyHeads) * headDimension, hidden)],
        query: { linear: 0, first: 0, stride: headDimension },
        key: { linear: 0, first: heads * headDimension, stride: headDimension },
        value: { linear: 0, first: (heads + keyHeads) * headDimension, stride: headDimension },
        heads,
        keyHeads,
        headDimension,
        rope,
        ...(sliding_window && { window: sliding_window }),
        scale: 1 / Math.sqrt(headDimension),
        output: linear(`${path}.self_attn.o_proj`, hidden, heads * headDimension),
      },
      feedForward: {
        kind: 'dense',
        norm: rmsNorm(`${path}.post_attention_layernorm`, epsilon),
        network: {
          linears: [linear(`${path}.mlp.gate_up_proj`, 2 * features, hidden)],
          gate: { linear: 0, first: 0, stride: features },
          up: { linear: 0, first: features, stride: features },
          features,
          activation: 'silu',
          down: linear(`${path}.mlp.down_proj`, hidden, features),
        },
      },
    }));
  },
});
