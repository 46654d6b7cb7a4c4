import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels, decodeHalf, encodeHalf } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { readFloat32 } from '../checkpoint/read-float32.ts';
import type { CodedCheckpoint, CodedWeight } from '../format/format.ts';
import { verifyFolder } from '../manifest/verify-folder.ts';
import { compress } from '../walk/compress.ts';
import { toyRound } from '../walk/toy/toy-algorithms.ts';
import { writeToyFolder } from '../walk/toy/toy-folder.ts';
import { toyCodes, toyDense } from '../walk/toy/toy-formats.ts';
import { toyModel } from '../walk/toy/toy-model.ts';
import { step, toyRequest } from '../walk/toy/toy-request.ts';
import { type ConvertRequest, convertCheckpoint } from './convert-checkpoint.ts';

const kernels = createReferenceKernels();
let folder: string;
let coded: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-convert-'));
  const source = join(folder, 'floats');
  coded = join(folder, 'coded');
  await writeToyFolder(source);
  const request = await toyRequest(source, coded, { pipeline: [step(toyRound)] });
  await compress(request);
  await request.checkpoint.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function open(path: string): Promise<CodedCheckpoint> {
  return toyCodes.open(await openCheckpoint(path), {});
}

async function convert(from: string, to: string, change: Partial<ConvertRequest>) {
  const checkpoint = await open(from);
  const output = join(folder, to);
  try {
    const result = await convertCheckpoint({
      model: toyModel(),
      checkpoint,
      source: from,
      output,
      format: toyCodes,
      kernels,
      versions: {},
      ...change,
    });
    return { output, ...result };
  } finally {
    await checkpoint.close();
  }
}

test('leaves codes and every other tensor as they are, and says in its manifest what it is', async () => {
  const { output, manifest, plan } = await convert(coded, 'again', {});
  expect(await readFile(join(output, 'model.safetensors'))).toEqual(await readFile(join(coded, 'model.safetensors')));
  expect(await readFile(join(output, 'config.json'))).toEqual(await readFile(join(coded, 'config.json')));
  expect(manifest.recipe).toEqual({ convert: { format: 'toy-codes' }, from: { pipeline: ['toy-quantize'] } });
  expect(manifest.totals.bytesBefore).toBe(manifest.totals.bytesAfter);
  expect(plan.totals.bytesAfter).toBe(manifest.totals.bytesAfter);
  expect(plan.totals.touched).toBe(8);
  expect((await verifyFolder(output)).mismatches).toEqual([]);
});

test('writes floats in the dtype of the others, or all in one that is asked for', async () => {
  const dtypes = (tensors: ReadonlyMap<string, TensorInfo>) => new Set([...tensors.values()].map(({ dtype }) => dtype));
  const { output, plan, manifest } = await convert(coded, 'dense', { format: toyDense });
  expect(plan.totals.bytesAfter).toBe(manifest.totals.bytesAfter);
  const dense = await openCheckpoint(output);
  expect(dtypes(dense.tensors)).toEqual(new Set(['F16']));
  const before = await open(coded);
  for (const name of before.coded.keys()) {
    const [is, was] = [await readFloat32(dense, name, kernels), await readFloat32(before, name, kernels)];
    expect([...is].sort()).toEqual([...was.map((x) => decodeHalf(encodeHalf(x, 'f16'), 'f16'))].sort());
  }
  await dense.close();
  await before.close();

  const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
  await writeFile(join(output, 'config.json'), JSON.stringify({ ...config, torch_dtype: 'float16' }));
  const single = await convert(output, 'single', { format: toyDense, dtype: 'F32' });
  const floats = await openCheckpoint(single.output);
  expect(dtypes(floats.tensors)).toEqual(new Set(['F32']));
  expect(JSON.parse(await readFile(join(single.output, 'config.json'), 'utf8')).torch_dtype).toBe('float32');
  await floats.close();
});

test('takes as floats what is refused as codes, and warns once of what codes leave out', async () => {
  const checkpoint = await open(coded);
  const changed = (change: Partial<CodedWeight>) => ({
    ...checkpoint,
    coded: new Map([...checkpoint.coded].map(([name, weight]) => [name, { ...weight, ...change }])),
  });
  const refused = changed({ read: () => Promise.reject(new Error('no codes')) });
  const { output, manifest } = await convert(coded, 'as-floats', { format: toyDense, checkpoint: refused });
  expect(await readFile(join(output, 'model.safetensors'))).toEqual(
    await readFile(join(folder, 'dense/model.safetensors')),
  );
  expect(manifest.totals.touched).toBe(8);
  await expect(convert(coded, 'codes', { checkpoint: refused })).rejects.toThrow('no codes');

  const remarked = changed({ remark: 'They were rounded.' });
  const { manifest: warned } = await convert(coded, 'remarked', { checkpoint: remarked });
  const message = 'They were rounded.';
  expect(warned.warnings).toEqual([{ algorithm: 'convert', code: 'codes', layer: 'blocks.0.gate.weight', message }]);
});

test('refuses before any work what is in no codes, and what the format cannot hold', async () => {
  const problems = (from: string, change: Partial<ConvertRequest>) =>
    convert(from, 'refused', change).catch((error) => error.message);
  expect(await problems(join(folder, 'floats'), {})).toMatch(/holds no Linears in codes .* "compress run" quantizes/);
  const narrow = { ...toyCodes, limit: ({ name }: { name: string }) => ({ layer: name, message: 'It is too wide.' }) };
  expect(await problems(coded, { format: narrow })).toBe('blocks.0.gate and 7 more: It is too wide.');
  await expect(readFile(join(folder, 'refused/config.json'))).rejects.toThrow(/ENOENT/);
});

test('decodes a token table in codes, and says so', async () => {
  const checkpoint = await open(coded);
  const { manifest } = await convert(coded, 'table', {
    checkpoint: {
      ...checkpoint,
      coded: new Map([...checkpoint.coded, ['embed.weight', checkpoint.coded.values().next().value!]]),
    },
  });
  expect(manifest.warnings).toMatchObject([{ algorithm: 'convert', code: 'decoded', layer: 'embed.weight' }]);
});
