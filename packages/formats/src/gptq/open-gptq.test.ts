import { integerGrid, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, it } from 'vitest';
import { checkpointOf, readFloats } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { gptq } from './gptq.ts';

const kernels = createReferenceKernels();
const grid = integerGrid({ bits: 4 });
const quantized = quantizedWeight({ rows: 16, groups: 2, groupSize: 8, grid, seed: 3 });
const sources = gptq.write({ spec: linearSpec(16, 16), quantized }, 'F16', kernels);
const configuration = gptq.configuration({ grid, groupSize: 8, quantized: ['layer'], untouched: [] })!;

type Change = (sources: Map<string, TensorSource>) => void;

async function open(change: Change, fields: object = {}) {
  const changed = new Map(sources.map((source) => [source.name, source]));
  change(changed);
  return gptq.open(await checkpointOf([...changed.values()]), { ...configuration, ...fields });
}

/** Replaces a tensor's bytes (and what they are said to be). */
const put =
  (suffix: string, fields: Partial<TensorSource>): Change =>
  (all) =>
    all.set(`layer.${suffix}`, { ...all.get(`layer.${suffix}`)!, ...fields });

const words =
  (...values: number[]) =>
  async () =>
    new Uint8Array(Int32Array.from(values).buffer);

it.each<[string, string, Change, object?]>([
  ['lacks scales', 'gptq-parts', (all) => all.delete('layer.scales')],
  ['lacks zero points', 'gptq-parts', (all) => all.delete('layer.qzeros')],
  ['has codes of another shape', 'gptq-parts', put('qweight', { shape: [2, 15] })],
  ['has codes of one dimension', 'gptq-parts', put('qweight', { shape: [32] })],
  ['has codes of another dtype', 'gptq-parts', put('qweight', { dtype: 'I16' })],
  ['has scales of another dtype', 'gptq-parts', put('scales', { dtype: 'I16' })],
  ['has zero points of another shape', 'gptq-parts', put('qzeros', { shape: [1, 4] })],
  ['has fewer groups than the configuration says', 'gptq-parts', () => {}, { group_size: 4 }],
  ['has other bits than the configuration says', 'gptq-parts', () => {}, { bits: 8 }],
  [
    'is there in floats too',
    'gptq-parts',
    (all) => all.set('layer.weight', { ...all.get('layer.scales')!, name: 'layer.weight' }),
  ],
  ['lacks the g_idx that desc_act needs', 'gptq-parts', (all) => all.delete('layer.g_idx'), { desc_act: true }],
  [
    'names a group beyond the last',
    'gptq-groups',
    put('g_idx', { bytes: words(...new Array(16).fill(2)) }),
    { desc_act: true },
  ],
  [
    'names a negative group',
    'gptq-groups',
    put('g_idx', { bytes: words(...new Array(16).fill(-1)) }),
    { desc_act: true },
  ],
  ['reorders groups without desc_act', 'gptq-groups', put('g_idx', { bytes: words(...new Array(16).fill(1)) })],
  ['has zero points of version 2', 'gptq-zeros', () => {}, { checkpoint_format: 'gptq_v2' }],
  ['has symmetric zero points off the middle', 'gptq-zeros', put('qzeros', { bytes: words(0, 0, 0, 0) })],
  ['has zero points of all ones', 'gptq-zeros', put('qzeros', { bytes: words(-1, -1, -1, -1) }), { sym: false }],
])('a layer that %s is an error', async (_, code, change, fields) => {
  const reading = open(change, fields).then((checkpoint) => checkpoint.read('layer.weight'));
  await expect(reading).rejects.toMatchObject({ name: 'CompressError', code });
});

it('reads a layer without g_idx, whose groups follow the columns', async () => {
  const checkpoint = await open((all) => all.delete('layer.g_idx'));
  expect((await readFloats(checkpoint, 'layer.weight'))[9]).toBe(exactValue(quantized, 0, 9));
});

it('reads BF16 and F32 scales', async () => {
  const all = Float32Array.from({ length: 32 }, (_, i) => 2 ** -(i % 7));
  const halves = new Uint16Array(new Uint32Array(all.buffer).map((bits) => bits >>> 16));
  const single = await open(
    put('scales', { dtype: 'F32', byteLength: 128, bytes: async () => new Uint8Array(all.buffer) }),
  );
  const half = await open(put('scales', { dtype: 'BF16', bytes: async () => new Uint8Array(halves.buffer) }));
  const weight = await readFloats(single, 'layer.weight');
  // Row 1, column 8: group 1.
  expect(weight[24]).toBe((quantized.codes[24] - 8) * all[16 + 1]);
  expect(await readFloats(half, 'layer.weight')).toEqual(weight);
});

it('takes bits and groups from the shapes where dynamic rules may change them', async () => {
  const checkpoint = await open(() => {}, {
    bits: 2,
    group_size: 128,
    dynamic: { '+:layer': { bits: 4, group_size: 8 } },
  });
  expect((await readFloats(checkpoint, 'layer.weight'))[0]).toBe(exactValue(quantized, 0, 0));
});

it('reads a symmetric layer of version 2, whose zero points lie as they are', async () => {
  // 0x88888888 in every word: the middle of 4 bits, of which version 1 stores 0x77777777.
  const stored = put('qzeros', { bytes: words(...new Array(4).fill(0x8888_8888 | 0)) });
  const checkpoint = await open(stored, { checkpoint_format: 'gptq_v2' });
  const weight = await readFloats(checkpoint, 'layer.weight');
  expect([...weight]).toEqual(Array.from(weight, (_, i) => exactValue(quantized, Math.floor(i / 16), i % 16)));
});
