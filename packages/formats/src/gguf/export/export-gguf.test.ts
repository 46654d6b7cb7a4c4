import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint, readFloat32, type TensorSource, writeCheckpoint } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openModelCheckpoint } from '../../open-model-checkpoint.ts';
import { importGguf } from '../import/import-gguf.ts';
import { openGguf } from '../open-gguf.ts';
import { type ExportRequest, ggufPresets, planGgufExport } from './export-gguf.ts';

const kernels = createReferenceKernels();
/** Tiny vocabularies of 420 tokens, made by packages/models/goldens/make_tokenizers.py. */
const TOKENIZERS = new URL('../../../../models/goldens/tokenizers/', import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-export-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** 2 layers, 4 heads of 16 with 2 for keys and values, 64 columns, 512 inside. */
const CONFIG = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 420,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 50_000,
  tie_word_embeddings: true,
  bos_token_id: 1,
};

interface Made {
  readonly config?: Record<string, unknown>;
  readonly tokenizer?: string;
  readonly settings?: object;
  readonly extra?: Record<string, number[]>;
}

/** A model's folder; element i of row r of each matrix is sin(r + i / 7), so that rows can be told apart. */
async function makeModel({ config = {}, tokenizer = 'gpt2', settings = {}, extra = {} }: Made = {}) {
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [420, 64], 'model.norm.weight': [64] };
  for (const layer of [0, 1]) {
    const path = `model.layers.${layer}`;
    Object.assign(shapes, {
      [`${path}.input_layernorm.weight`]: [64],
      [`${path}.post_attention_layernorm.weight`]: [64],
      [`${path}.self_attn.q_proj.weight`]: [64, 64],
      [`${path}.self_attn.k_proj.weight`]: [32, 64],
      [`${path}.self_attn.v_proj.weight`]: [32, 64],
      [`${path}.self_attn.o_proj.weight`]: [64, 64],
      [`${path}.mlp.gate_proj.weight`]: [512, 64],
      [`${path}.mlp.up_proj.weight`]: [512, 64],
      [`${path}.mlp.down_proj.weight`]: [64, 512],
    });
  }
  const sources = Object.entries({ ...shapes, ...extra }).map(([name, shape]): TensorSource => {
    const columns = shape.at(-1)!;
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) =>
      Math.sin(Math.floor(i / columns) + (i % columns) / 7),
    );
    return {
      name,
      dtype: 'F32',
      shape,
      byteLength: values.byteLength,
      bytes: async () => new Uint8Array(values.buffer),
    };
  });
  const model = join(folder, 'model');
  await mkdir(model);
  await writeCheckpoint(model, sources);
  await writeFile(join(model, 'config.json'), JSON.stringify({ ...CONFIG, ...config }));
  await writeFile(join(model, 'tokenizer_config.json'), JSON.stringify(settings));
  if (tokenizer !== '') await copyFile(join(TOKENIZERS, `${tokenizer}.json`), join(model, 'tokenizer.json'));
  return model;
}

async function exportModel(model: string, request: Partial<ExportRequest> = {}) {
  const checkpoint = await openModelCheckpoint(model);
  try {
    const { plan, write } = await planGgufExport({
      folder: model,
      config: JSON.parse(await readFile(join(model, 'config.json'), 'utf8')),
      checkpoint,
      kernels,
      output: join(folder, 'model.gguf'),
      type: 'f32',
      card: { name: 'Model' },
      ...request,
    });
    return { plan, written: await write() };
  } finally {
    await checkpoint.close();
  }
}

const values = (metadata: ReadonlyMap<string, { value: unknown }>) =>
  Object.fromEntries([...metadata].map(([key, { value }]) => [key, value]));

it('writes the keys that llama.cpp asks for', async () => {
  await exportModel(
    await makeModel({ settings: { eos_token: { content: '<|endoftext|>' }, chat_template: '{{ x }}' } }),
    {
      card: { name: 'Tiny', license: 'apache-2.0', baseModel: 'someone/tiny' },
      type: 'q8_0',
    },
  );
  const gguf = await openGguf(join(folder, 'model.gguf'));
  const keys = values(gguf.metadata);
  expect(keys).toMatchObject({
    'general.architecture': 'llama',
    'general.name': 'Tiny',
    'general.size_label': '248K',
    'general.license': 'apache-2.0',
    'general.base_model.0.repo_url': 'https://huggingface.co/someone/tiny',
    'general.file_type': 7,
    'general.quantization_version': 2,
    'llama.block_count': 2,
    'llama.context_length': 128,
    'llama.embedding_length': 64,
    'llama.feed_forward_length': 512,
    'llama.attention.head_count': 4,
    'llama.attention.head_count_kv': 2,
    'llama.attention.key_length': 16,
    'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
    'llama.rope.freq_base': 50_000,
    'llama.rope.dimension_count': 16,
    'llama.vocab_size': 420,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.chat_template': '{{ x }}',
  });
  const tokens = gguf.metadata.get('tokenizer.ggml.tokens')!.value as string[];
  expect(tokens).toHaveLength(420);
  expect(new Set(tokens).size).toBe(420);
  await gguf.close();
});

it.each([
  ['gpt2', 'gpt-2'],
  ['smollm', 'smollm'],
  ['llama3', 'llama-bpe'],
  ['qwen', 'qwen2'],
])('names the pre-tokenizer of %s %s', async (tokenizer, name) => {
  await exportModel(await makeModel({ tokenizer }));
  const gguf = await openGguf(join(folder, 'model.gguf'));
  expect(gguf.metadata.get('tokenizer.ggml.pre')?.value).toBe(name);
  await gguf.close();
});

/** The first number of each row tells where it came from. */
async function rowsOf(name: string): Promise<number[]> {
  const gguf = await openGguf(join(folder, 'model.gguf'));
  const data = await readFloat32(gguf, name, kernels);
  const columns = gguf.tensors.get(name)!.shape[1];
  await gguf.close();
  const firsts = Array.from({ length: data.length / columns }, (_, r) => data[r * columns]);
  return firsts.map((first) => firsts.findIndex((_, r) => Math.fround(Math.sin(r)) === first));
}

it("puts rows of q and k in ggml's order for Llama, and leaves Qwen's", async () => {
  const head = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];
  const model = await makeModel();
  await exportModel(model);
  const heads = (count: number) => Array.from({ length: count }, (_, h) => head.map((row) => 16 * h + row)).flat();
  expect(await rowsOf('blk.1.attn_q.weight')).toEqual(heads(4));
  expect(await rowsOf('blk.1.attn_k.weight')).toEqual(heads(2));
  expect(await rowsOf('blk.1.attn_v.weight')).toEqual(Array.from({ length: 32 }, (_, i) => i));
  await exportModel(model, { config: { ...CONFIG, model_type: 'qwen2' } });
  expect(await rowsOf('blk.1.attn_q.weight')).toEqual(Array.from({ length: 64 }, (_, i) => i));
});

/** Root mean square error of numbers between -1 and 1. */
const ALLOWED: readonly [RegExp, number][] = [
  [/^b?f\d/, 0.002],
  [/^q8/, 0.005],
  [/^q6/, 0.015],
  [/^q5/, 0.03],
  [/^i?q4/, 0.06],
  [/^(mxfp4|q3)/, 0.14],
  [/^q2/, 0.15],
  [/^tq/, 0.4],
];

it.each(ggufPresets)('%s: as large as planned, within its error, norms in F32', async (type) => {
  const model = await makeModel();
  const { plan, written } = await exportModel(model, { type });
  expect(written.bytes).toBe(plan.bytes);
  const gguf = await openGguf(join(folder, 'model.gguf'));
  expect([...gguf.tensors.values()].map((tensor) => [tensor.name, tensor.type])).toEqual(
    plan.tensors.map((tensor) => [tensor.name, tensor.type]),
  );
  expect(gguf.tensors.get('blk.0.ffn_norm.weight')?.type).toBe('F32');
  const source = await openCheckpoint(model);
  const [got, want] = await Promise.all([
    readFloat32(gguf, 'blk.0.ffn_down.weight', kernels),
    readFloat32(source, 'model.layers.0.mlp.down_proj.weight', kernels),
  ]);
  await Promise.all([gguf.close(), source.close()]);
  const error = Math.sqrt(got.reduce((sum, value, i) => sum + (value - want[i]) ** 2, 0) / got.length);
  const [, allowed] = ALLOWED.find(([pattern]) => pattern.test(type))!;
  expect(error).toBeLessThan(allowed);
});

it('is what an import makes the same folder of', async () => {
  const model = await makeModel({ config: { tie_word_embeddings: false }, extra: { 'lm_head.weight': [420, 64] } });
  await exportModel(model, { type: 'f16' });
  await importGguf(join(folder, 'model.gguf'), join(folder, 'back'), kernels);
  const [before, after] = [await openCheckpoint(model), await openCheckpoint(join(folder, 'back'))];
  expect(new Set(after.tensors.keys())).toEqual(new Set(before.tensors.keys()));
  for (const name of before.tensors.keys()) {
    const [was, is] = [await readFloat32(before, name, kernels), await readFloat32(after, name, kernels)];
    expect(is).toEqual(was.map((value) => Math.f16round(value)));
  }
  await Promise.all([before.close(), after.close()]);
  const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8'));
  const [one, other] = [await read('model/tokenizer.json'), await read('back/tokenizer.json')];
  expect(other.model.vocab).toEqual(one.model.vocab);
  expect(other.added_tokens.map(({ id }: { id: number }) => id)).toEqual(
    one.added_tokens.map(({ id }: { id: number }) => id),
  );
});

it.each([
  [{ sliding_window: 48 }, 48],
  [{ sliding_window: 48, use_sliding_window: false }, 128],
  [{ sliding_window: null }, 128],
])('%j: the context is %i, as far as llama.cpp attends to the same', async (config, context) => {
  await exportModel(await makeModel({ config }));
  const gguf = await openGguf(join(folder, 'model.gguf'));
  expect(gguf.metadata.get('llama.context_length')?.value).toBe(context);
  await gguf.close();
});

it('carries the divisors of a scaled rotary embedding', async () => {
  const config = { rope_scaling: { rope_type: 'llama3', factor: 8 } };
  const ropeDivisors = Float32Array.from({ length: 8 }, (_, i) => 1 + i);
  await exportModel(await makeModel({ config }), { ropeDivisors });
  const gguf = await openGguf(join(folder, 'model.gguf'));
  expect([...(await readFloat32(gguf, 'rope_freqs.weight', kernels))]).toEqual([...ropeDivisors]);
  await gguf.close();
});

describe('refuses before it writes', () => {
  it.each<[string, Made]>([
    ['another architecture', { config: { model_type: 'gpt2' } }],
    ['a size that is missing', { config: { num_hidden_layers: undefined } }],
    ['more layers than there are', { config: { num_hidden_layers: 3 } }],
    ['a head that is missing', { config: { tie_word_embeddings: false } }],
    ['a tensor that it has no name for', { extra: { 'model.layers.0.self_attn.rotation': [4] } }],
    ['a scaled rotary embedding that nobody explains', { config: { rope_scaling: { type: 'linear', factor: 2 } } }],
    ['no tokenizer', { tokenizer: '' }],
    ['more tokens than rows', { config: { vocab_size: 100 } }],
    ['a special token beyond the vocabulary', { config: { bos_token_id: 420 } }],
  ])('%s', async (_, made) => {
    const model = await makeModel(made);
    await expect(exportModel(model)).rejects.toMatchObject({ name: 'CompressError', code: 'gguf-export' });
    expect(await readdir(folder)).toEqual(['model']);
  });

  it('a forward pass of its own', async () => {
    const model = await makeModel();
    const checkpoint = await openModelCheckpoint(model);
    const inference = { sites: { x: { quantizer: { bits: 8, scale: 'token' as const } } }, attention: {} };
    const exporting = exportModel(model, { checkpoint: { ...checkpoint, inference } });
    await expect(exporting).rejects.toMatchObject({ code: 'gguf-export' });
    await checkpoint.close();
  });

  it('numbers that are not finite, with the tensor', async () => {
    const model = await makeModel();
    const name = 'blk.0.attn_q.weight';
    const imatrix = {
      file: 'x',
      datasets: [],
      chunks: 1,
      chunkSize: 1,
      entries: new Map([[name, new Float32Array(64).fill(1)]]),
      tokens: new Map([[name, 1]]),
    };
    const checkpoint = await openModelCheckpoint(model);
    const broken = {
      ...checkpoint,
      read: async (name: string, range?: { start: number; end: number }) => {
        const bytes = await checkpoint.read(name, range);
        return name.endsWith('0.self_attn.q_proj.weight') ? bytes.fill(255) : bytes;
      },
    };
    await expect(exportModel(model, { checkpoint: broken, type: 'q4_0', imatrix })).rejects.toMatchObject({
      code: 'not-finite',
      place: { tensor: 'model.layers.0.self_attn.q_proj.weight' },
    });
    expect(await readdir(folder)).toEqual(['model']);
    await checkpoint.close();
  });
});
