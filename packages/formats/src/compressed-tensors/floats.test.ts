import { FLOAT8_E4M3, type Grid, type QuantizedWeight, type Treatment, tableGrid } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { linearSpec } from '../quantized.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';

const kernels = createReferenceKernels();
const ascending = (values: readonly number[]) => [...new Set(values.map((x) => x + 0))].sort((a, b) => a - b);
const e4m3 = ascending([...FLOAT8_E4M3].filter(Number.isFinite));
const e2m1 = ascending([0, 0.5, 1, 1.5, 2, 3, 4, 6].flatMap((x) => [x, -x]));
const fp8 = tableGrid({ name: 'fp8-e4m3', levels: e4m3, scaleType: 'f32' });
const nvfp4 = tableGrid({ name: 'nvfp4', levels: e2m1, nested: 'tensor' });
const mxfp4 = tableGrid({ name: 'mxfp4', levels: e2m1, scaleType: 'e8m0' });

/** Random codes on scales that `scaleAt` makes. */
function weight(
  grid: Grid,
  [rows, groups, groupSize]: readonly [number, number, number],
  seed: number,
  scaleAt: (row: number, group: number) => number,
): QuantizedWeight {
  const levels = grid.codes.kind === 'table' ? grid.codes.levels.length : 0;
  const columns = groups * groupSize;
  let state = seed + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  };
  return {
    rows,
    columns,
    grid,
    groupSize,
    codes: Uint8Array.from({ length: rows * columns }, () => next() % levels),
    scales: {
      groups,
      group: Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / groupSize)),
      scales: Float32Array.from({ length: rows * groups }, (_, i) => scaleAt(Math.floor(i / groups), i % groups)),
      zeros: new Float32Array(rows * groups),
    },
  };
}

function valueAt({ columns, codes, grid, scales }: QuantizedWeight, i: number): number {
  const levels = grid.codes.kind === 'table' ? grid.codes.levels : [];
  const scale = scales.scales[Math.floor(i / columns) * scales.groups + scales.group[i % columns]];
  return Math.fround(levels[codes[i]] * scale);
}

async function readBack(quantized: QuantizedWeight, groupSize: number, treatment: Treatment) {
  const spec = linearSpec(quantized.rows, quantized.columns);
  expect(compressedTensors.limit(spec, quantized.grid, quantized.groupSize, false, treatment)).toBeUndefined();
  const sources = compressedTensors.write({ spec, quantized, treatment }, 'BF16', kernels);
  const described = { grid: quantized.grid, groupSize, quantized: ['layer'], untouched: [], ...treatment };
  const configuration = JSON.parse(JSON.stringify(compressedTensors.configuration(described)));
  const floats = await readFloats(
    await compressedTensors.open(await checkpointOf(sources), configuration),
    'layer.weight',
  );
  const bytes = await Promise.all(sources.map(wholeBytes));
  const size = bytes.reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(compressedTensors.size(spec, quantized.grid, quantized.groupSize, 'BF16', treatment)).toBe(size);
  return { floats, sources, configuration };
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  groups: fc.integer({ min: 1, max: 4 }),
  groupSize: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 2, max: 5 }),
  seed: fc.nat(1e6),
});

describe('float-quantized', () => {
  it.each(['tensor', 'channel', 'group', 'block'])(
    'returns every E4M3 number times its scale: %s',
    async (strategy) => {
      await fc.assert(
        fc.asyncProperty(shapes, async ({ rows, groups, groupSize, height, seed }) => {
          const whole = strategy === 'tensor' || strategy === 'channel';
          const row = {
            tensor: () => 0,
            channel: (r: number) => r,
            group: (r: number) => r,
            block: (r: number) => Math.floor(r / height),
          }[strategy]!;
          const quantized = weight(fp8, [rows, whole ? 1 : groups, groupSize], seed, (r, g) =>
            Math.fround((1 + row(r)) / (3 + g)),
          );
          const scaleRows = strategy === 'tensor' ? 'all' : strategy === 'block' ? height : 1;
          const { floats, configuration } = await readBack(quantized, whole ? -1 : groupSize, { scaleRows });
          expect(floats.every((value, i) => value === valueAt(quantized, i))).toBe(true);
          const { weights } = configuration.config_groups.group_0;
          expect(weights).toMatchObject({ num_bits: 8, type: 'float', strategy });
        }),
        { numRuns: 40 },
      );
    },
  );

  it('has the bytes of the type', async () => {
    const codes = Uint8Array.of(e4m3.indexOf(-448), e4m3.indexOf(0), e4m3.indexOf(2 ** -9), e4m3.indexOf(1.125));
    const quantized = { ...weight(fp8, [1, 1, 4], 0, () => 1), codes };
    const { sources } = await readBack(quantized, -1, {});
    expect(sources.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`)).toEqual([
      'layer.weight F8_E4M3 1,4',
      'layer.weight_scale F32 1,1',
    ]);
    expect([...(await wholeBytes(sources[0]))]).toEqual([0xfe, 0x00, 0x01, 0x39]);
  });
});

/** Codes of 0, 0.5, ... 6 and of their negatives: sign, then place. */
const NIBBLES = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.5, -1, -1.5, -2, -3, -4, -6, 0];
const PACKED = [0x10, 0x32, 0x54, 0x76, 0xa9, 0xcb, 0xed, 0x0f];

describe('nvfp4-pack-quantized', () => {
  it('packs the first of two codes into the lower half, and divides scales by the global one', async () => {
    const unit = Math.fround(0.37 / 448);
    const codes = Uint8Array.from(NIBBLES, (value) => e2m1.indexOf(value));
    const base = weight(nvfp4, [1, 1, 16], 0, () => Math.fround(3.25 * unit));
    const scales = { ...base.scales, nested: { kind: 'tensor', scale: unit } as const };
    const { floats, sources, configuration } = await readBack({ ...base, codes, scales }, 16, {});
    const bytes = await Promise.all(sources.map(wholeBytes));
    expect([...bytes[0]]).toEqual(PACKED);
    expect(FLOAT8_E4M3[bytes[1][0]]).toBe(3.25);
    const global = new Float32Array(bytes[2].slice().buffer)[0];
    expect(global).toBe(Math.fround(1 / unit));
    expect([...floats].map((x) => x + 0)).toEqual(NIBBLES.map((x) => Math.fround(x * Math.fround(3.25 / global)) + 0));
    expect(configuration.config_groups.group_0.weights).toMatchObject({
      num_bits: 4,
      type: 'float',
      strategy: 'tensor_group',
      group_size: 16,
    });
  });

  it('finds every E4M3 scale again', async () => {
    const unit = Math.fround(1 / 3);
    const positive = e4m3.filter((x) => x > 0);
    const base = weight(nvfp4, [positive.length, 1, 16], 1, (r) => Math.fround(positive[r] * unit));
    const scales = { ...base.scales, nested: { kind: 'tensor', scale: unit } as const };
    const { sources } = await readBack({ ...base, scales }, 16, {});
    expect(Array.from(await wholeBytes(sources[1]), (byte) => FLOAT8_E4M3[byte])).toEqual(positive);
  });

  it('does not write a scale that is no multiple', async () => {
    const base = weight(nvfp4, [1, 1, 16], 1, () => 1.03);
    const scales = { ...base.scales, nested: { kind: 'tensor', scale: 1 } as const };
    const sources = compressedTensors.write(
      { spec: linearSpec(1, 16), quantized: { ...base, scales } },
      'F16',
      kernels,
    );
    await expect(Promise.all(sources.map(wholeBytes))).rejects.toMatchObject({ code: 'not-representable' });
  });
});

it('a NaN is no weight', async () => {
  const quantized = weight(fp8, [1, 1, 4], 0, () => 1);
  const [codes, scale] = compressedTensors.write({ spec: linearSpec(1, 4), quantized }, 'F16', kernels);
  const damaged = { ...codes, bytes: async () => Uint8Array.of(0, 0x7f, 0, 0) };
  const configuration = compressedTensors.configuration({
    grid: fp8,
    groupSize: -1,
    quantized: ['layer'],
    untouched: [],
  })!;
  const opened = await compressedTensors.open(await checkpointOf([damaged, scale]), configuration);
  await expect(opened.read('layer.weight')).rejects.toThrow(/byte 127 at 1 is no code of fp8-e4m3/);
});

it('weights can be had as the codes that were written', async () => {
  const unit = Math.fround(0.37 / 448);
  const base = weight(nvfp4, [3, 2, 16], 5, (r, g) => Math.fround((r + g + 1) * unit));
  const scales = { ...base.scales, nested: { kind: 'tensor', scale: unit } as const };
  const sources = compressedTensors.write({ spec: linearSpec(3, 32), quantized: { ...base, scales } }, 'F16', kernels);
  const described = { grid: nvfp4, groupSize: 16, quantized: ['layer'], untouched: [] };
  const opened = await compressedTensors.open(await checkpointOf(sources), compressedTensors.configuration(described)!);
  const again = await opened.coded.get('layer.weight')!.read();
  expect(again.codes).toEqual(base.codes);
  expect(again.grid).toEqual(nvfp4);
  const rewritten = compressedTensors.write({ spec: linearSpec(3, 32), quantized: again }, 'F16', kernels);
  for (const [i, source] of rewritten.slice(0, 2).entries())
    expect(await wholeBytes(source)).toEqual(await wholeBytes(sources[i]));
});

it('mxfp4-pack-quantized has exponents for scales', async () => {
  const exponents = [-127, -3, 0, 5, 127];
  const base = weight(mxfp4, [exponents.length, 1, 32], 2, (r) => 2 ** exponents[r]);
  const { floats, sources } = await readBack(base, 32, {});
  expect([...(await wholeBytes(sources[1]))]).toEqual([0, 124, 127, 132, 254]);
  expect(floats.every((value, i) => value === valueAt(base, i))).toBe(true);
});

it.each<[string, Grid, number, Treatment, RegExp]>([
  ['nvfp4 in groups of 32', nvfp4, 32, {}, /groups of 16, not 32/],
  ['mxfp4 in groups of 16', mxfp4, 16, {}, /groups of 32, not 16/],
  ['fp8 with rounded integers', fp8, 64, { activations: { bits: 8, scale: 'token' } }, /in integers: give both/],
  [
    'nvfp4 with rounded activations',
    nvfp4,
    16,
    { activations: { bits: 8, scale: 'token' } },
    /leave their rounding out/,
  ],
])('limit of %s', (_, grid, groupSize, treatment, message) => {
  expect(compressedTensors.limit(linearSpec(4, 64), grid, groupSize, false, treatment)?.message).toMatch(message);
});

describe('a layer in E2M1', () => {
  const base = weight(mxfp4, [4, 1, 32], 2, () => 1);
  const sources = compressedTensors.write({ spec: linearSpec(4, 32), quantized: base }, 'F16', kernels);
  const configuration = compressedTensors.configuration({
    grid: mxfp4,
    groupSize: 32,
    quantized: ['layer'],
    untouched: [],
  })!;
  it.each([
    ['lacks scales', sources.slice(0, 1)],
    ['has scales of another shape', [sources[0], { ...sources[1], shape: [4, 2] }]],
    ['has scales of another dtype', [sources[0], { ...sources[1], dtype: 'I8' as const }]],
    ['has codes of one dimension', [{ ...sources[0], shape: [64] }, sources[1]]],
    ['has columns that are no whole groups', [{ ...sources[0], shape: [8, 8] }, sources[1]]],
    ['is there in floats too', [...sources, { ...sources[0], name: 'layer.weight' }]],
  ])('that %s is an error', async (_, changed) => {
    const checkpoint = await checkpointOf(changed);
    await expect(compressedTensors.open(checkpoint, configuration)).rejects.toMatchObject({
      code: 'compressed-tensors-parts',
    });
  });
});
