import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { integerGrid, readFloat32, writeCheckpoint } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compressedTensors } from './compressed-tensors/compressed-tensors.ts';
import { dense } from './dense.ts';
import { gptq } from './gptq/gptq.ts';
import { openModelCheckpoint } from './open-model-checkpoint.ts';
import { exactValue, linearSpec, quantizedWeight } from './quantized.test.fixture.ts';

const kernels = createReferenceKernels();
const spec = linearSpec(16, 32);
const grid = integerGrid({ bits: 4, symmetric: false });
const quantized = quantizedWeight({ rows: 16, groups: 2, groupSize: 16, grid, seed: 8 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-formats-'));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (content: object | string) =>
  writeFile(join(folder, 'config.json'), typeof content === 'string' ? content : JSON.stringify(content));

it.each([dense, gptq, compressedTensors])('opens a folder that $name wrote', async (format) => {
  await writeCheckpoint(folder, format.write({ spec, quantized }, 'F32', kernels), { maxShardBytes: 100 });
  const configuration = format.configuration({ grid, groupSize: 16, quantized: ['layer'], untouched: [] });
  await config({ model_type: 'llama', ...(configuration !== undefined && { quantization_config: configuration }) });
  const checkpoint = await openModelCheckpoint(folder);
  const weight = await readFloat32(checkpoint, 'layer.weight', kernels, { start: 40, end: 300 });
  for (let i = 0; i < weight.length; i++) {
    expect(weight[i]).toBe(exactValue(quantized, Math.floor((i + 40) / 32), (i + 40) % 32));
  }
  expect(checkpoint.files.length).toBeGreaterThan(0);
  await checkpoint.close();
});

it.each<[string, object | string | undefined]>([
  ['config-missing', undefined],
  ['config-invalid', '{'],
  ['config-invalid', { quantization_config: [] }],
  ['quantization-unknown', { quantization_config: { quant_method: 'quip', bits: 4 } }],
  ['quantization-unknown', { quantization_config: { quant_method: { toString: 1, valueOf: 1 } } }],
  ['quantization-config', { quantization_config: { quant_method: 'gptq', bits: 7 } }],
])('refuses with %s', async (code, content) => {
  await writeCheckpoint(folder, []);
  if (content !== undefined) await config(content);
  await expect(openModelCheckpoint(folder)).rejects.toMatchObject({ name: 'CompressError', code });
});
