import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFloat32 } from '@compress/core';
import { openGguf, openModelCheckpoint, readImatrix } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

const TEXT = 'The Congress shall have power to lay and collect taxes. '.repeat(4);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-imatrix-'));
  await writeFile(join(directory, 'text.txt'), TEXT);
});
afterAll(() => rm(directory, { recursive: true }));

const cli = (...args: string[]) => runInFolder(directory, [...args, '--threads', '1']);

it('measures what each Linear reads, and conversion weighs errors by it', async () => {
  const made = await cli(
    'imatrix',
    DEMO_MODEL,
    'imatrix.gguf',
    '--text',
    'text.txt',
    '--context',
    '16',
    '--windows',
    '2',
    '--json',
  );
  expect(made.code).toBe(EXIT.ok);
  expect(JSON.parse(made.stdout)).toMatchObject({ entries: 28, tokens: 32 });
  const imatrix = await readImatrix(join(directory, 'imatrix.gguf'));
  expect(imatrix).toMatchObject({ datasets: ['text.txt'], chunks: 2, chunkSize: 16 });
  expect(imatrix.tokens.get('blk.3.ffn_down.weight')).toBe(32);
  expect(imatrix.entries.get('blk.3.ffn_down.weight')).toHaveLength(768);

  // What the first attention reads, by the formula of the RMS norm in float64.
  const kernels = createReferenceKernels();
  const checkpoint = await openModelCheckpoint(DEMO_MODEL);
  const embedding = await readFloat32(checkpoint, 'model.embed_tokens.weight', kernels);
  const norm = await readFloat32(checkpoint, 'model.layers.0.input_layernorm.weight', kernels);
  await checkpoint.close();
  const tokens = (await openTokenizer(DEMO_MODEL)).encode(TEXT, { special: false }).subarray(0, 32);
  const want = new Float64Array(256);
  for (const token of tokens) {
    const row = embedding.subarray(token * 256, (token + 1) * 256);
    const mean = row.reduce((sum, x) => sum + x * x, 0) / 256;
    for (let i = 0; i < 256; i++) want[i] += (row[i] * norm[i]) ** 2 / (mean + 1e-5) / 32;
  }
  const got = imatrix.entries.get('blk.0.attn_k.weight')!;
  for (let i = 0; i < 256; i++) expect(got[i] / want[i]).toBeCloseTo(1, 4);

  const plain = JSON.parse((await cli('convert', DEMO_MODEL, 'q3.gguf', '--type', 'q3_k_s', '--json')).stdout);
  const weighed = await cli(
    'convert',
    DEMO_MODEL,
    'q3i.gguf',
    '--type',
    'q3_k_s',
    '--imatrix',
    'imatrix.gguf',
    '--json',
  );
  expect(JSON.parse(weighed.stdout).bytes).toBeGreaterThan(plain.bytes);
  const gguf = await openGguf(join(directory, 'q3i.gguf'));
  expect(gguf.metadata.get('quantize.imatrix.entries_count')).toEqual({ type: 'u32', value: 28 });
  expect(gguf.metadata.get('quantize.imatrix.dataset')).toEqual({ type: 'string', value: 'text.txt' });
  await gguf.close();
  expect(JSON.parse(weighed.stdout).sha256).not.toBe(plain.sha256);
});

it('says what is wrong', async () => {
  const short = await cli('imatrix', DEMO_MODEL, 'x.gguf', '--text', 'text.txt', '--context', '500');
  expect(short).toMatchObject({ code: EXIT.failure, log: expect.stringMatching(/0 windows of 500; 1 was asked for/) });
  const none = await cli('imatrix', DEMO_MODEL, 'x.gguf', '--context', '16');
  expect(none.code).toBe(EXIT.usage);
  const alone = await cli('convert', DEMO_MODEL, 'x.gguf', '--imatrix', 'x.gguf');
  expect(alone).toMatchObject({ code: EXIT.failure });
});
