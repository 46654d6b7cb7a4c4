import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Grid, integerGrid, type TensorSource, tableGrid, writeSafetensors } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointOf, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { openStoredCheckpoint } from '../open-stored-checkpoint.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { roundTrip } from '../round-trip.test.fixture.ts';
import { onnx } from './onnx.ts';

const kernels = createReferenceKernels();

it('lays codes, scales and zero points out as MatMulNBits has them', async () => {
  // Two rows of three blocks of 16: each row's zero points end in a byte of which half is free.
  const quantized = {
    ...quantizedWeight({
      rows: 2,
      groups: 3,
      groupSize: 16,
      grid: integerGrid({ bits: 4, symmetric: false }),
      seed: 1,
    }),
    codes: Uint8Array.from({ length: 96 }, (_, i) => i % 16),
  };
  quantized.scales.zeros.set([1, 2, 3, 4, 5, 6]);
  const sources = onnx.write({ spec: linearSpec(2, 48), quantized }, 'F16', kernels);
  expect(sources.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['layer.weight_quant', 'U8', [2, 3, 8]],
    ['layer.weight_scales', 'F16', [6]],
    ['layer.weight_zeros', 'U8', [4]],
  ]);
  const [codes, , zeros] = await Promise.all(sources.map(wholeBytes));
  expect([...codes.subarray(0, 8)]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
  expect([...zeros]).toEqual([0x21, 0x03, 0x54, 0x06]);
});

it('returns (code - zero) * scale, and codes, scales and zero points, for every width, block and symmetry', async () => {
  const weights = fc
    .record({
      rows: fc.integer({ min: 1, max: 9 }),
      groups: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(),
      bits: fc.constantFrom(2, 4, 8),
      symmetric: fc.boolean(),
      groupSize: fc.constantFrom(16, 32, 64, 128),
    })
    .map(({ bits, symmetric, ...p }) => quantizedWeight({ ...p, grid: integerGrid({ bits, symmetric }) }));
  await fc.assert(
    fc.asyncProperty(weights, fc.nat(), fc.nat(), async (quantized, a, b) => {
      const coded = await roundTrip(onnx, quantized, (r, c) => exactValue(quantized, r, c), [a, b]);
      expect(coded.grid).toEqual(quantized.grid);
      expect((await coded.read()).scales).toEqual(quantized.scales);
    }),
    { numRuns: 60 },
  );
});

it.each<[string, number, Grid, number, RegExp]>([
  ['3 bits', 64, integerGrid({ bits: 3 }), 32, /integers of 2, 4, 8 bits, not int3/],
  ['levels', 64, tableGrid({ name: 'two', levels: [-1, 0, 1] }), 32, /not two/],
  ['blocks of 8', 64, integerGrid({ bits: 4 }), 8, /power of two of at least 16/],
  ['blocks of 48', 96, integerGrid({ bits: 4 }), 48, /power of two of at least 16/],
  ['blocks that do not divide', 576, integerGrid({ bits: 4 }), 128, /576 input columns/],
  ['scales of e8m0', 64, integerGrid({ bits: 4, scaleType: 'e8m0' }), 32, /not e8m0/],
])('refuses %s', (_, columns, grid, groupSize, message) => {
  expect(onnx.limit(linearSpec(8, columns), grid, groupSize)?.message).toMatch(message);
});

it('refuses an index of groups, Conv1D and names without .weight', () => {
  const grid = integerGrid({ bits: 4 });
  expect(onnx.limit(linearSpec(8, 128), grid, 64, true)?.message).toMatch(/act-static/);
  expect(onnx.limit(linearSpec(8, 128, true), grid, 64)?.message).toMatch(/Conv1D/);
  expect(onnx.limit({ ...linearSpec(8, 128), weight: 'experts' }, grid, 64)?.message).toMatch(/not after experts/);
});

it('refuses rotated activations, and no roundings of them', () => {
  const rotation = { kind: 'hadamard', size: 64 } as const;
  const inputs = new Map([
    ['a', { rotation }],
    ['b', { quantizer: { bits: 8, scale: 'token' as const } }],
  ]);
  expect(onnx.carrier!.limit({ inputs, attention: new Map() }, true)).toMatchObject([{ layer: 'a' }]);
});

describe('parts', () => {
  const quantized = quantizedWeight({ rows: 4, groups: 2, groupSize: 32, grid: integerGrid({ bits: 4 }), seed: 1 });
  const sources = onnx.write({ spec: linearSpec(4, 64), quantized }, 'F16', kernels);
  const changed = (name: string, change: Partial<TensorSource>) =>
    sources.map((source) => (source.name.endsWith(name) ? { ...source, ...change } : source));
  const open = async (of: readonly TensorSource[], configuration: object = { bits: 4 }) =>
    onnx.open(await checkpointOf(of), { ...configuration });

  it.each<[string, readonly TensorSource[]]>([
    ['codes of two dimensions', changed('quant', { shape: [4, 32] })],
    ['blocks of another width', changed('quant', { shape: [4, 1, 24] })],
    ['too few scales', changed('scales', { shape: [7] })],
    ['scales that are codes', changed('scales', { dtype: 'U8' })],
    ['no scales', sources.slice(0, 1)],
    ['floats beside codes', [...sources, { ...sources[0], name: 'layer.weight' }]],
  ])('with %s are an error', async (_, of) => {
    await expect(open(of)).rejects.toMatchObject({ code: 'onnx-parts' });
  });

  it('of a width that is none are an error', async () => {
    for (const bits of [3, '4', undefined])
      await expect(open(sources, { bits })).rejects.toMatchObject({ code: 'quantization-config' });
  });

  it('need zero points that are codes', async () => {
    const grid = integerGrid({ bits: 4, symmetric: false });
    const weight = quantizedWeight({ rows: 4, groups: 2, groupSize: 32, grid, seed: 1 });
    weight.scales.zeros[3] = 16;
    const [, , zeros] = onnx.write({ spec: linearSpec(4, 64), quantized: weight }, 'F16', kernels);
    await expect(wholeBytes(zeros)).rejects.toMatchObject({ code: 'not-representable' });
  });
});

describe('a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'compress-onnx-'));
    await mkdir(join(folder, 'onnx'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('has its tensors beside the graph', async () => {
    const [source] = onnx.write(
      {
        spec: linearSpec(1, 16),
        quantized: quantizedWeight({ rows: 1, groups: 1, groupSize: 16, grid: integerGrid({ bits: 4 }), seed: 1 }),
      },
      'F16',
      kernels,
    );
    await writeSafetensors(join(folder, 'onnx', 'model_q4.onnx_data'), [source], {});
    const checkpoint = await openStoredCheckpoint(folder);
    expect([...checkpoint.tensors.keys()]).toEqual([source.name]);
    expect(checkpoint.location).toBe(folder);
    await checkpoint.close();
  });

  it('of another tool is refused by name', async () => {
    await writeFile(join(folder, 'onnx', 'model.onnx'), 'x');
    await expect(openStoredCheckpoint(folder)).rejects.toThrow(/onnx\/model\.onnx, which this program did not write/);
    await writeFile(join(folder, 'onnx', 'model_q4.onnx_data'), 'no safetensors at all');
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'onnx-foreign' });
  });

  it('without weights is no ONNX folder, and a link is none either', async () => {
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint-missing' });
    await rm(join(folder, 'onnx'), { recursive: true });
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint-missing' });
    await symlink(tmpdir(), join(folder, 'onnx'));
    await expect(openStoredCheckpoint(folder)).rejects.toMatchObject({ code: 'file-outside' });
  });
});
