import { readRope } from '../config/read-rope.ts';
import { expertCount, MAX_EXPERTS, optional, size } from '../config/read-with.ts';
import { headsOf, standardConfig } from '../config/standard-config.ts';
import { gatedNetwork, linear, rmsNorm } from '../decoder/parts.ts';
import { separateAttention } from '../decoder/separate-attention.ts';
import { standardDecoder } from '../decoder/standard-decoder.ts';
import { defineArchitecture } from './architecture.ts';

/** Mixtral: Mistral with experts, each a feed-forward that sees the tokens which a router sends to it. */
export const mixtral = defineArchitecture({
  name: 'mixtral',
  modelTypes: ['mixtral'],
  prefixes: ['model.', ''],
  config: standardConfig
    .extend({
      num_local_experts: optional(expertCount, 8),
      num_experts_per_tok: optional(size, 2),
      sliding_window: size.nullish(),
    })
    .refine((config) => config.num_experts_per_tok <= config.num_local_experts, {
      path: ['num_experts_per_tok'],
      error: 'must not exceed num_local_experts',
    })
    .refine((config) => config.num_hidden_layers * config.num_local_experts <= MAX_EXPERTS, {
      path: ['num_local_experts'],
      error: `must not make more than ${MAX_EXPERTS} experts in all blocks`,
    }),
  decoder(config, prefix) {
    const shape = headsOf(config);
    const rope = readRope(config, { ...shape, theta: 1_000_000 });
    const { num_local_experts: count, intermediate_size: features, rms_norm_eps: epsilon } = config;
    const names = ['w1', 'w3', 'w2'] as const;
    return standardDecoder(config, prefix, (path) => ({
      attention: separateAttention({
        ...shape,
        path: `${path}.self_attn`,
        norm: rmsNorm(`${path}.input_layernorm`, epsilon),
        rope,
        window: config.sliding_window ?? undefined,
      }),
      feedForward: {
        kind: 'experts',
        norm: rmsNorm(`${path}.post_attention_layernorm`, epsilon),
        router: linear(`${path}.block_sparse_moe.gate`, count, shape.hidden, {
          untouched: 'the router is tiny, and an error in it sends tokens to other experts',
        }),
        chosen: config.num_experts_per_tok,
        networks: Array.from({ length: count }, (_, expert) => {
          const expertPath = `${path}.block_sparse_moe.experts.${expert}`;
          return { path: expertPath, ...gatedNetwork(expertPath, shape.hidden, features, 'silu', { names }) };
        }),
      },
    }));
  },
});
