import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from './model-from-config.ts';
import { readGolden } from './testing/golden.ts';
import { largestDifference } from './testing/largest-difference.ts';
import { runModel } from './testing/run-model.ts';

type Config = Record<string, unknown>;

/** Each golden configuration is of a new writer; this is what an old one would have left. */
const oldForms: [name: string, old: (config: Config) => Config][] = [
  [
    'llama',
    ({ rope_parameters, dtype, ...rest }) => {
      const { rope_theta, rope_type, ...scaling } = rope_parameters as Config;
      return { ...rest, torch_dtype: dtype, rope_theta, rope_scaling: { type: rope_type, ...scaling } };
    },
  ],
  [
    'llama-yarn',
    ({ rope_parameters, ...rest }) => {
      const { rope_theta, ...scaling } = rope_parameters as Config;
      return { ...rest, rope_theta, rope_scaling: scaling };
    },
  ],
  ['mistral', ({ rope_parameters, head_dim, ...rest }) => ({ ...rest, head_dim, rope_scaling: null })],
  [
    'gemma3',
    ({ rope_parameters, layer_types, ...rest }) => ({
      ...rest,
      rope_theta: 100_000,
      rope_local_base_freq: 1_000,
      rope_scaling: { rope_type: 'linear', factor: 8 },
      sliding_window_pattern: 3,
    }),
  ],
  ['gpt_neox', ({ rope_parameters, ...rest }) => ({ ...rest, rotary_pct: 0.5, rotary_emb_base: 1_000 })],
  [
    'phi3',
    ({ rope_parameters, ...rest }) => {
      const { short_factor, long_factor } = rope_parameters as Config;
      const rope_scaling = { type: 'su', short_factor, long_factor };
      return { ...rest, rope_theta: 10_000, partial_rotary_factor: 0.75, rope_scaling };
    },
  ],
  ['qwen3', ({ model_type, ...rest }) => ({ model_type: 'qwen3_wrapped', text_config: { model_type, ...rest } })],
];

test.each(oldForms)('%s: the same logits from the form that old writers left', async (name, old) => {
  const { config, checkpoint, logits, ...sequences } = await readGolden(name);
  const model = modelFromConfig(old(config), checkpoint.tensors);
  const computed = await runModel(model, checkpoint, sequences, createReferenceKernels());
  await checkpoint.close();
  expect(largestDifference(computed.data, logits)).toBeLessThanOrEqual(1e-4);
});
