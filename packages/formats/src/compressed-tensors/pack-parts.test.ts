import { integerGrid, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, it } from 'vitest';
import { checkpointOf, readFloats } from '../checkpoint-of.test.fixture.ts';
import { linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';

const kernels = createReferenceKernels();
const grid = integerGrid({ bits: 4, symmetric: false });
const quantized = quantizedWeight({ rows: 6, groups: 2, groupSize: 8, grid, seed: 3 });
const sources = compressedTensors.write({ spec: linearSpec(6, 16), quantized }, 'F16', kernels);
const configuration = (symmetric = false, groupSize = 8) =>
  compressedTensors.configuration({
    grid: integerGrid({ bits: 4, symmetric }),
    groupSize,
    quantized: ['layer'],
    untouched: [],
  })!;

type Change = (sources: Map<string, TensorSource>) => void;

async function open(change: Change, written: Readonly<Record<string, unknown>>) {
  const changed = new Map(sources.map((source) => [source.name, source]));
  change(changed);
  return compressedTensors.open(await checkpointOf([...changed.values()]), written);
}

/** Replaces a tensor's bytes (and what they are said to be). */
const put =
  (suffix: string, fields: Partial<TensorSource>): Change =>
  (all) =>
    all.set(`layer.${suffix}`, { ...all.get(`layer.${suffix}`)!, ...fields });

it.each<[string, Change, Readonly<Record<string, unknown>>?]>([
  ['lacks scales', (all) => all.delete('layer.weight_scale')],
  ['lacks its shape', (all) => all.delete('layer.weight_shape')],
  ['lacks zero points', (all) => all.delete('layer.weight_zero_point')],
  ['has zero points on a symmetric grid', () => {}, configuration(true)],
  ['is there in floats too', (all) => all.set('layer.weight', { ...sources[1], name: 'layer.weight' })],
  ['has an index of groups', (all) => all.set('layer.weight_g_idx', { ...sources[2], name: 'layer.weight_g_idx' })],
  ['has codes of one dimension', put('weight_packed', { shape: [12] })],
  ['has codes of another dtype', put('weight_packed', { dtype: 'U32' })],
  ['has codes of another width', put('weight_packed', { shape: [4, 3] })],
  ['has scales of another dtype', put('weight_scale', { dtype: 'I16' })],
  ['has scales of one dimension', put('weight_scale', { shape: [12] })],
  ['has zero points packed along the other dimension', put('weight_zero_point', { shape: [2, 1] })],
  ['has a shape of another dtype', put('weight_shape', { dtype: 'I32', shape: [4] })],
  ['has other groups than the configuration says', () => {}, configuration(false, 4)],
  ['has groups where the configuration says one a row', () => {}, configuration(false, -1)],
  [
    'has a shape that its parts have not',
    put('weight_shape', { bytes: async () => new Uint8Array(BigInt64Array.of(6n, 15n).buffer) }),
  ],
])('a layer that %s is an error', async (_, change, written = configuration()) => {
  const reading = open(change, written).then((checkpoint) => checkpoint.read('layer.weight'));
  await expect(reading).rejects.toMatchObject({ name: 'CompressError', code: 'compressed-tensors-parts' });
});

it('reads F32 scales', async () => {
  const scales = Float32Array.from({ length: 12 }, (_, i) => 2 ** -i);
  const bytes = async () => new Uint8Array(scales.buffer);
  const checkpoint = await open(put('weight_scale', { dtype: 'F32', byteLength: 48, bytes }), configuration());
  const weight = await readFloats(checkpoint, 'layer.weight');
  // Row 1, column 8: group 1.
  expect(weight[24]).toBe((quantized.codes[24] - quantized.scales.zeros[3]) * 2 ** -3);
});
