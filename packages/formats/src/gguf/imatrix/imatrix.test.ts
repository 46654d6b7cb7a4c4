import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { f32 } from '../gguf-file.test.fixture.ts';
import type { GgufValue } from '../gguf-value.ts';
import { openGguf } from '../open-gguf.ts';
import { type GgufTensorSource, writeGguf } from '../write-gguf.ts';
import { readImatrix, writeImatrix } from './imatrix.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-imatrix-'));
  file = join(folder, 'imatrix.gguf');
});
afterEach(() => rm(folder, { recursive: true }));

it('holds sums and counts as llama.cpp has them, and is read as means', async () => {
  const imatrix = {
    file,
    datasets: ['a text'],
    chunks: 3,
    chunkSize: 512,
    entries: new Map([['blk.0.attn_q.weight', Float32Array.of(0.25, 4, 0)]]),
    tokens: new Map([['blk.0.attn_q.weight', 1536]]),
  };
  await writeImatrix(imatrix);
  const gguf = await openGguf(file);
  expect(gguf.metadata.get('general.type')).toEqual({ type: 'string', value: 'imatrix' });
  expect(gguf.metadata.get('imatrix.chunk_size')).toEqual({ type: 'u32', value: 512 });
  expect(await gguf.read('blk.0.attn_q.weight.in_sum2')).toEqual(f32(384, 6144, 0));
  expect(await gguf.read('blk.0.attn_q.weight.counts')).toEqual(f32(1536));
  await gguf.close();
  expect(await readImatrix(file)).toEqual(imatrix);
});

const source = (name: string, ...values: number[]): GgufTensorSource => ({
  name,
  type: 'F32',
  shape: [values.length],
  byteLength: 4 * values.length,
  bytes: async () => f32(...values),
});

it.each<[string, string, GgufTensorSource[]]>([
  ['a model', 'model', []],
  ['sums without counts', 'imatrix', [source('a.in_sum2', 1)]],
  ['experts', 'imatrix', [source('a.in_sum2', 1), source('a.counts', 1, 2)]],
  ['what is no sum of squares', 'imatrix', [source('a.in_sum2', -1), source('a.counts', 1)]],
])('refuses %s', async (_, type, tensors) => {
  const metadata = new Map<string, GgufValue>([['general.type', { type: 'string', value: type }]]);
  await writeGguf(file, { metadata, tensors });
  await expect(readImatrix(file)).rejects.toMatchObject({ name: 'CompressError', code: 'gguf-imatrix' });
});
