import { expect, test } from 'vitest';
import { modelFromConfig } from './model-from-config.ts';
import { readGolden } from './testing/golden.ts';

const unknown: [config: unknown, code: string, message: RegExp][] = [
  [
    { model_type: 'lama' },
    'architecture-unknown',
    /"lama" is not known; known are llama, .*mixtral\. Did you mean llama\?/,
  ],
  [{ model_type: 'falcon' }, 'architecture-unknown', /"falcon" is not known; known are llama, [^?]*$/],
  [{ architectures: ['LlamaForCausalLM'] }, 'config-invalid', /model_type: must name the architecture/],
  [null, 'config-invalid', /config\.json/],
  [
    { model_type: 'gemma3', text_config: { model_type: 'gemma3_text' }, vision_config: {} },
    'architecture-unknown',
    /vision_config/,
  ],
];

test.each(unknown)('%j', (config, code, message) => {
  expect(() => modelFromConfig(config, new Map())).toThrow(message);
  expect(() => modelFromConfig(config, new Map())).toThrow(expect.objectContaining({ name: 'CompressError', code }));
});

const unsupported: [golden: string, change: Record<string, unknown>, message: RegExp][] = [
  [
    'llama',
    { rope_parameters: { rope_type: 'dynamic', factor: 2 } },
    /rope type "dynamic" is not supported; known are default, linear/,
  ],
  ['llama', { rope_parameters: { rope_type: 'linear' } }, /must give factor/],
  ['llama', { rope_parameters: { rope_type: 'default', mrope_section: [1, 2] } }, /mrope_section/],
  ['llama', { head_dim: 9 }, /even number of dimensions, not 9/],
  ['llama', { num_key_value_heads: 4 }, /4 key heads do not divide 6 query heads/],
  ['gpt2', { n_head: 7 }, /7 heads do not divide a hidden size of 30/],
  ['qwen2', { layer_types: ['full_attention'] }, /layer_types names 1 layers of 2/],
  ['mixtral', { num_experts_per_tok: 9 }, /num_experts_per_tok: must not exceed/],
  ['llama', { hidden_act: 'gelu' }, /hidden_act/],
  ['llama', { num_hidden_layers: 0 }, /num_hidden_layers/],
  ['gemma3', { attn_logit_softcapping: 50 }, /attention softcapping is not supported \(the value is 50\)/],
  ['gemma3', { final_logit_softcapping: 30 }, /softcapping of logits is not supported/],
  ['gemma3', { use_bidirectional_attention: true }, /bidirectional attention is not supported/],
  ['qwen2', { layer_types: ['full_attention', 'chunked_attention'] }, /layer_types/],
  ['gpt2', { add_cross_attention: true }, /cross attention is not supported/],
  ['opt', { do_layer_norm_before: false }, /OPT-350m/],
  ['opt', { word_embed_proj_dim: 16 }, /OPT-350m/],
  [
    'phi3',
    { rope_parameters: { rope_type: 'longrope', short_factor: [1], long_factor: [1, 1, 1, 1] } },
    /short_factor, a list of/,
  ],
];

test.each(unsupported)('%s %j is refused by name', async (name, change, message) => {
  const { config, checkpoint } = await readGolden(name);
  await checkpoint.close();
  const model = () => modelFromConfig({ ...config, ...change }, checkpoint.tensors);
  expect(model).toThrow(message);
  expect(model).toThrow(expect.objectContaining({ name: 'CompressError' }));
});
