import type { Checkpoint, Model, TensorInfo } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { describe, expect, test } from 'vitest';
import { modelFromConfig } from './model-from-config.ts';
import { type Golden, readGolden } from './testing/golden.ts';
import { runModel } from './testing/run-model.ts';

const kernels = createReferenceKernels();

async function withGolden<T>(name: string, use: (golden: Golden) => Promise<T> | T): Promise<T> {
  const golden = await readGolden(name);
  try {
    return await use(golden);
  } finally {
    await golden.checkpoint.close();
  }
}

/** The same tensors under other names. */
function renamed(checkpoint: Checkpoint, rename: (name: string) => string): Checkpoint {
  const names = new Map([...checkpoint.tensors.keys()].map((name) => [rename(name), name]));
  const tensors = new Map([...names].map(([to, from]) => [to, { ...checkpoint.tensors.get(from)!, name: to }]));
  return { ...checkpoint, tensors, read: (name, range) => checkpoint.read(names.get(name)!, range) };
}

const withoutPrefix: [name: string, rename: (tensor: string) => string][] = [
  ['llama', (tensor) => tensor.replace(/^model\./, '')],
  ['gpt2', (tensor) => tensor.replace(/^transformer\./, '')],
  ['opt', (tensor) => tensor.replace(/^model\./, '')],
  ['gpt_neox', (tensor) => tensor.replace(/^gpt_neox\./, '')],
];

test.each(withoutPrefix)('%s: names without the usual prefix', (name, rename) =>
  withGolden(name, async ({ config, checkpoint, ...sequences }) => {
    const usual = modelFromConfig(config, checkpoint.tensors);
    const bare = renamed(checkpoint, rename);
    const model = modelFromConfig(config, bare.tensors);
    expect(model.sections[0].tensors).not.toEqual(usual.sections[0].tensors);
    const [expected, computed] = [
      await runModel(usual, checkpoint, sequences, kernels),
      await runModel(model, bare, sequences, kernels),
    ];
    expect(computed.data).toEqual(expected.data);
  }),
);

/** The checkpoint's tensors and some more (or, undefined, fewer). */
function changed(golden: Golden, tensors: Record<string, TensorInfo | undefined>): Model {
  const map = new Map(golden.checkpoint.tensors);
  for (const [name, info] of Object.entries(tensors))
    if (info) map.set(name, info);
    else map.delete(name);
  return modelFromConfig(golden.config, map);
}

const tensor = (name: string, shape: number[]): TensorInfo => ({
  name,
  dtype: 'F16',
  shape,
  byteLength: 2 * shape.reduce((product, size) => product * size, 1),
});

test('a tied head that is stored all the same is left out', () =>
  withGolden('llama-tied', (golden) => {
    const model = changed(golden, { 'lm_head.weight': tensor('lm_head.weight', [67, 30]) });
    const { tensors, sites } = model.sections.at(-1)!;
    expect(model.tied).toBe(true);
    expect(tensors).toEqual(['model.norm.weight', 'model.embed_tokens.weight']);
    expect(sites[0].linears[0]).toMatchObject({ name: 'lm_head', weight: 'model.embed_tokens.weight' });
    expect(sites[0].linears[0].untouched).toBeDefined();
  }));

test('buffers of old writers are left out', () =>
  withGolden('llama', (golden) => {
    const name = 'model.layers.0.self_attn.rotary_emb.inv_freq';
    const model = changed(golden, { [name]: tensor(name, [5]) });
    expect(model.sections.flatMap(({ tensors }) => tensors)).not.toContain(name);
  }));

describe('checkpoints that do not fit', () => {
  test.each([
    [
      'tensor-missing',
      { 'model.layers.1.mlp.up_proj.weight': undefined },
      /lacks model\.layers\.1\.mlp\.up_proj\.weight/,
    ],
    ['tensor-missing', { 'lm_head.weight': undefined }, /lacks lm_head\.weight/],
    ['tensor-missing', { 'model.embed_tokens.weight': undefined }, /lacks model\.embed_tokens\.weight/],
    [
      'tensor-shape',
      { 'model.norm.weight': tensor('model.norm.weight', [35]) },
      /\[35\] but config\.json asks for \[36\]/,
    ],
    [
      'tensor-unexpected',
      { 'model.layers.0.self_attn.q_norm.weight': tensor('model.layers.0.self_attn.q_norm.weight', [10]) },
      /holds model\.layers\.0\.self_attn\.q_norm\.weight/,
    ],
  ])('%s', (code, tensors, message) =>
    withGolden('llama', (golden) => {
      expect(() => changed(golden, tensors)).toThrow(message);
      expect(() => changed(golden, tensors)).toThrow(expect.objectContaining({ name: 'CompressError', code }));
    }),
  );
});
