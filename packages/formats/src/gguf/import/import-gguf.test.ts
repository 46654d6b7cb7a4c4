import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { openCheckpoint, readFloat32 } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { f32, ggufFile, join, tensor, text, u32, u64 } from '../gguf-file.test.fixture.ts';
import { importGguf } from './import-gguf.ts';

const kernels = createReferenceKernels();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'compress-import-'));
});
afterEach(() => rm(folder, { recursive: true }));

const strings = (...values: string[]) => join(u32(8), u64(values.length), ...values.map(text));

/** One layer, 2 heads of 4 with 1 for keys and values, 8 hidden, 6 intermediate, 5 tokens. */
const KEYS: Record<string, Uint8Array> = {
  'general.architecture': join(u32(8), text('llama')),
  'llama.block_count': join(u32(4), u32(1)),
  'llama.context_length': join(u32(10), u64(64)),
  'llama.embedding_length': join(u32(4), u32(8)),
  'llama.feed_forward_length': join(u32(4), u32(6)),
  'llama.attention.head_count': join(u32(4), u32(2)),
  'llama.attention.head_count_kv': join(u32(4), u32(1)),
  'llama.attention.layer_norm_rms_epsilon': join(u32(6), f32(1e-5)),
  'llama.rope.freq_base': join(u32(6), f32(500_000)),
  'tokenizer.ggml.model': join(u32(8), text('gpt2')),
  'tokenizer.ggml.pre': join(u32(8), text('smollm')),
  'tokenizer.ggml.tokens': join(u32(9), strings('<s>', 'a', 'b', 'ab', '<x>')),
  'tokenizer.ggml.token_type': join(u32(9), u32(5), u64(5), ...[3, 1, 1, 1, 4].map(u32)),
  'tokenizer.ggml.merges': join(u32(9), strings('a b')),
  'tokenizer.ggml.bos_token_id': join(u32(4), u32(0)),
};

const TENSORS: Record<string, number[]> = {
  'token_embd.weight': [8, 5],
  'output_norm.weight': [8],
  'blk.0.attn_norm.weight': [8],
  'blk.0.ffn_norm.weight': [8],
  'blk.0.attn_q.weight': [8, 8],
  'blk.0.attn_k.weight': [8, 4],
  'blk.0.attn_v.weight': [8, 4],
  'blk.0.attn_output.weight': [8, 8],
  'blk.0.ffn_gate.weight': [8, 6],
  'blk.0.ffn_up.weight': [8, 6],
  'blk.0.ffn_down.weight': [6, 8],
};

/** Element i of each tensor is i. `undefined` leaves a key or a tensor out. */
async function importFile(
  keys: Record<string, Uint8Array | undefined> = {},
  shapes: Record<string, number[] | undefined> = {},
) {
  const infos: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const [name, ne] of Object.entries({ ...TENSORS, ...shapes })) {
    if (ne === undefined) continue;
    infos.push(tensor(name, ne, 0, offset));
    const values = f32(...Array.from({ length: ne.reduce((a, b) => a * b, 1) }, (_, i) => i));
    data.push(values, new Uint8Array((32 - (values.length % 32)) % 32));
    offset += Math.ceil(values.length / 32) * 32;
  }
  const entries = Object.entries({ ...KEYS, ...keys }).flatMap(([name, value]) =>
    value === undefined ? [] : [join(text(name), value)],
  );
  const file = joinPath(folder, 'model.gguf');
  await writeFile(file, ggufFile({ keys: entries, tensors: infos, data: join(...data) }));
  return importGguf(file, joinPath(folder, 'out'), kernels);
}

const readJson = async (name: string) => JSON.parse(await readFile(joinPath(folder, 'out', name), 'utf8'));

it('makes a folder of Hugging Face with rows of q and k in its order', async () => {
  const files = await importFile();
  expect(files.map(({ file }) => file)).toEqual([
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
    'config.json',
  ]);
  const checkpoint = await openCheckpoint(joinPath(folder, 'out'));
  expect(checkpoint.tensors.size).toBe(11);
  const rows = async (name: string, columns: number) => {
    const values = await readFloat32(checkpoint, name, kernels);
    return Array.from({ length: values.length / columns }, (_, r) => values[r * columns] / columns);
  };
  const layer = 'model.layers.0';
  // Pairs (0, 1), (2, 3) of ggml are (t, t + 2) of Hugging Face, in each head of 4.
  expect(await rows(`${layer}.self_attn.q_proj.weight`, 8)).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
  expect(await rows(`${layer}.self_attn.k_proj.weight`, 8)).toEqual([0, 2, 1, 3]);
  expect(await rows(`${layer}.self_attn.v_proj.weight`, 8)).toEqual([0, 1, 2, 3]);
  expect(await rows(`${layer}.mlp.down_proj.weight`, 6)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(checkpoint.tensors.get('model.embed_tokens.weight')).toMatchObject({ dtype: 'F16', shape: [5, 8] });
  await checkpoint.close();
  expect(await readJson('config.json')).toMatchObject({
    model_type: 'llama',
    num_key_value_heads: 1,
    head_dim: 4,
    vocab_size: 5,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 500_000,
    tie_word_embeddings: true,
    attention_bias: false,
    bos_token_id: 0,
  });
  const { added_tokens, model, post_processor } = await readJson('tokenizer.json');
  expect(added_tokens).toMatchObject([
    { id: 0, content: '<s>', special: true },
    { id: 4, content: '<x>', special: false },
  ]);
  expect(model.vocab).toEqual({ '<s>': 0, a: 1, b: 2, ab: 3, '<x>': 4 });
  expect(model.merges).toEqual(['a b']);
  expect(post_processor).toBeNull();
});

it('keeps an output of its own, biases, and the tokens that texts begin with', async () => {
  const biases = { attn_q: 8, attn_k: 4, attn_v: 4, attn_output: 8 };
  await importFile(
    { 'tokenizer.ggml.add_bos_token': join(u32(7), Uint8Array.of(1)) },
    {
      'output.weight': [8, 5],
      ...Object.fromEntries(Object.entries(biases).map(([name, rows]) => [`blk.0.${name}.bias`, [rows]])),
    },
  );
  expect(await readJson('config.json')).toMatchObject({ tie_word_embeddings: false, attention_bias: true });
  const { post_processor } = await readJson('tokenizer.json');
  expect(post_processor.single).toEqual([
    { SpecialToken: { id: '<s>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
  ]);
  const checkpoint = await openCheckpoint(joinPath(folder, 'out'));
  expect(checkpoint.tensors.has('lm_head.weight')).toBe(true);
  const bias = await readFloat32(checkpoint, 'model.layers.0.self_attn.k_proj.bias', kernels);
  expect([...bias]).toEqual([0, 2, 1, 3]);
  await checkpoint.close();
});

const word = (value: string) => join(u32(8), text(value));
const count = (value: number) => join(u32(4), u32(value));

it.each<[string, Record<string, Uint8Array | undefined>, Record<string, number[] | undefined>?]>([
  ['another architecture', { 'general.architecture': word('gemma') }],
  ['a size that is missing', { 'llama.block_count': undefined }],
  ['a size that is no number', { 'llama.block_count': word('1') }],
  ['a size of 0', { 'llama.attention.head_count': count(0) }],
  ['experts', { 'llama.expert_count': count(8) }],
  ['scaled rotary positions', { 'llama.rope.scaling.type': word('yarn') }],
  ['partial rotary positions', { 'llama.rope.dimension_count': count(2) }],
  ['another vocabulary', { 'tokenizer.ggml.model': word('llama') }],
  ['an unknown pre-tokenizer', { 'tokenizer.ggml.pre': word('none') }],
  ['a token twice', { 'tokenizer.ggml.tokens': join(u32(9), strings('a', 'a', 'b', 'c', 'd')) }],
  ['types of other tokens', { 'tokenizer.ggml.token_type': join(u32(9), u32(5), u64(0)) }],
  ['a special token beyond the vocabulary', { 'tokenizer.ggml.bos_token_id': count(5) }],
  ['more tokens than rows', { 'tokenizer.ggml.tokens': join(u32(9), strings('a', 'b', 'c', 'd', 'e', 'f')) }],
  ['more layers than there are', { 'llama.block_count': count(2) }],
  ['more layers than tensors', { 'llama.block_count': count(2 ** 31) }],
  ['a tensor that is missing', {}, { 'blk.0.attn_v.weight': undefined }],
  ['an unknown tensor', {}, { 'blk.0.attn_q_norm.weight': [4] }],
  ['a bias of q alone', {}, { 'blk.0.attn_q.bias': [8] }],
  ['another shape', {}, { 'blk.0.attn_q.weight': [8, 4] }],
])('refuses %s before it writes', async (_, keys, shapes) => {
  await expect(importFile(keys, shapes)).rejects.toMatchObject({ name: 'CompressError', code: 'gguf-import' });
  expect(await readdir(folder)).toEqual(['model.gguf']);
});

it('refuses a folder that is not empty', async () => {
  await importFile();
  await expect(importFile()).rejects.toMatchObject({ code: 'folder-not-empty' });
});
