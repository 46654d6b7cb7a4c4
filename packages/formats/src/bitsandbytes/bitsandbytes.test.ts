import {
  DYNAMIC_MAP,
  type Grid,
  integerGrid,
  type QuantizedWeight,
  quantizeWeight,
  type TensorSource,
  tableGrid,
} from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { roundTrip } from '../round-trip.test.fixture.ts';
import { bitsandbytes } from './bitsandbytes.ts';
import { LEVELS } from './scheme.ts';

const kernels = createReferenceKernels();
const nf4 = tableGrid({ name: 'nf4', levels: [...LEVELS.nf4], scaleType: 'f32' });
const fp4 = tableGrid({ name: 'fp4-bnb', levels: [...LEVELS.fp4], scaleType: 'f32' });
const int8 = integerGrid({ bits: 8 });

/** The weight of the golden vectors, of 64 numbers. */
const golden = Float32Array.from({ length: 64 }, (_, i) => (((37 * i + 11) % 64) - 32) / 16);

async function bytesOf(sources: readonly TensorSource[], suffix: string): Promise<Buffer> {
  return Buffer.from(await wholeBytes(sources.find(({ name }) => name === `layer.${suffix}`)!));
}

describe('golden vectors of bitsandbytes', () => {
  const quantize = (grid: Grid, rows: number) =>
    quantizeWeight({ weight: { rows, columns: 64 / rows, data: golden }, grid, groupSize: 64 / rows, kernels });

  it.each([
    [nf4, '1c3e70a2d4f81b2e5091c3e60a2d4f71b2e5f91c3e60a1d4e71b2d5f81c3e609'],
    [fp4, 'a5c29b7d2f31a4d2eb6a5c29b7a5f31a4d2e36a5c2eb7a5c30b4d2f36a4d2eb6'],
  ])('$name: the first of two codes in the high nibble', async (grid, expected) => {
    const quantized = await quantize(grid, 1);
    const sources = bitsandbytes.write({ spec: linearSpec(1, 64), quantized }, 'BF16', kernels);
    expect((await bytesOf(sources, 'weight')).toString('hex')).toBe(expected);
    expect((await bytesOf(sources, 'weight.absmax')).readFloatLE(0)).toBe(2);
  });

  it('has the numbers and the state that the library writes', async () => {
    const quantized = await quantize(nf4, 1);
    const sources = bitsandbytes.write({ spec: linearSpec(1, 64), quantized }, 'BF16', kernels);
    expect((await bytesOf(sources, 'weight.quant_map')).toString('hex')).toBe(
      '000080bfb13932bf306b06bfa032cabe4da291be3f353dbe7178babd00000000fffaa23de3ca243edd047c3e3a03ad3eb8a4e13eab07103fb313393f0000803f',
    );
    const text = '{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [1, 64]}';
    expect((await bytesOf(sources, 'weight.quant_state.bitsandbytes__nf4')).toString()).toBe(text);
  });

  it('LLM.int8: signed codes, and the absmax that they are 127ths of', async () => {
    const scales = {
      groups: 1,
      scales: Float32Array.of(2 ** -7),
      zeros: Float32Array.of(128),
      group: new Uint32Array(4),
    };
    const quantized = { rows: 1, columns: 4, grid: int8, groupSize: 4, codes: Uint8Array.of(0, 1, 128, 255), scales };
    const sources = bitsandbytes.write({ spec: linearSpec(1, 4), quantized }, 'F16', kernels);
    expect([...(await bytesOf(sources, 'weight'))].map((byte) => (byte << 24) >> 24)).toEqual([-128, -127, 0, 127]);
    expect((await bytesOf(sources, 'SCB')).readFloatLE(0)).toBe(127 / 128);
    expect([...(await bytesOf(sources, 'weight_format'))]).toEqual([0]);
    expect(sources.find(({ name }) => name === 'layer.weight_format')?.shape).toEqual([]);
  });
});

const shapes = { rows: fc.integer({ min: 1, max: 9 }), groups: fc.integer({ min: 1, max: 3 }), seed: fc.nat() };

it('returns level * scale, and codes and scales, for every shape of 4 bits', async () => {
  const weights = fc
    .record({ ...shapes, grid: fc.constantFrom(nf4, fp4), groupSize: fc.constantFrom(32, 64, 128) })
    .map(({ grid, ...p }) => {
      const quantized = quantizedWeight({ ...p, grid });
      const { levels } = grid.codes as Extract<Grid['codes'], { kind: 'table' }>;
      quantized.scales.zeros.fill(0);
      return { ...quantized, codes: quantized.codes.map((code) => code % levels.length) };
    });
  await fc.assert(
    fc.asyncProperty(weights, fc.nat(), fc.nat(), async (quantized, a, b) => {
      const { levels } = quantized.grid.codes as Extract<Grid['codes'], { kind: 'table' }>;
      const { codes, columns, scales } = quantized;
      const value = (r: number, c: number) =>
        Math.fround(levels[codes[r * columns + c]] * scales.scales[r * scales.groups + scales.group[c]]);
      const coded = await roundTrip(bitsandbytes, quantized, value, [a, b]);
      expect(await coded.read()).toEqual(quantized);
    }),
    { numRuns: 60 },
  );
});

it('returns code * scale, and codes and scales, for every shape of 8 bits', async () => {
  const weights = fc
    .record({ rows: shapes.rows, seed: shapes.seed, groupSize: fc.integer({ min: 1, max: 99 }) })
    .map((p) => quantizedWeight({ ...p, groups: 1, grid: int8 }));
  await fc.assert(
    fc.asyncProperty(weights, fc.nat(), fc.nat(), async (quantized, a, b) => {
      const coded = await roundTrip(bitsandbytes, quantized, (r, c) => exactValue(quantized, r, c), [a, b]);
      expect((await coded.read()).scales).toEqual(quantized.scales);
    }),
    { numRuns: 60 },
  );
});

describe('double quantization', () => {
  const weight = {
    rows: 96,
    columns: 192,
    data: Float32Array.from({ length: 96 * 192 }, (_, i) => Math.sin(i * 1.7) * (1 + ((i * i) % 97) / 20)),
  };
  const grid: Grid = { ...nf4, nested: 'blocks' };

  it.each([
    ['rows of blocks', 64, 288],
    ['blocks that span rows, cut at their ends', { flattened: 128 }, 288],
  ])('is read back exactly, with %s', async (_, groupSize, blocks) => {
    const quantized = await quantizeWeight({ weight, grid, groupSize, kernels });
    const { scales } = quantized;
    const value = (r: number, c: number) =>
      Math.fround(LEVELS.nf4[quantized.codes[r * 192 + c]] * scales.scales[r * scales.groups + scales.group[c]]);
    const coded = await roundTrip(bitsandbytes, quantized, value);
    const again = await coded.read();
    expect(again.scales.scales).toEqual(scales.scales);
    const { nested } = again.scales;
    if (nested?.kind !== 'blocks') throw new Error('the scales are not nested');
    expect([nested.codes.length, nested.absmax.length]).toEqual([blocks, 2]);
    expect(nested.map).toEqual(DYNAMIC_MAP);
  });
});

describe('what others wrote', () => {
  /** Blocks of 64 over rows of 10 columns: 70 weights, the last block short. */
  it('is read with blocks that span rows', async () => {
    const [rows, columns] = [7, 10];
    const text = Buffer.from('{"quant_type": "nf4", "blocksize": 64, "dtype": "float16", "shape": [7, 10]}');
    const bytes = Uint8Array.from({ length: 35 }, (_, i) => (37 * i + 11) % 256);
    const tensor = (suffix: string, dtype: 'U8' | 'F32', shape: number[], data: Uint8Array): TensorSource => ({
      name: `layer.weight${suffix}`,
      dtype,
      shape,
      byteLength: data.byteLength,
      bytes: async () => data,
    });
    const floats = (values: Float32Array) => new Uint8Array(values.slice().buffer);
    const checkpoint = await bitsandbytes.open(
      await checkpointOf([
        tensor('', 'U8', [35, 1], bytes),
        tensor('.absmax', 'F32', [2], floats(Float32Array.of(0.3, 0.7))),
        tensor('.quant_map', 'F32', [16], floats(LEVELS.nf4)),
        tensor('.quant_state.bitsandbytes__nf4', 'U8', [text.length], text),
      ]),
      { quant_method: 'bitsandbytes', load_in_4bit: true, load_in_8bit: false },
    );
    const weight = await readFloats(checkpoint, 'layer.weight');
    expect(checkpoint.tensors.get('layer.weight')?.shape).toEqual([rows, columns]);
    for (let i = 0; i < 70; i++) {
      const code = i % 2 === 0 ? bytes[i >> 1] >> 4 : bytes[i >> 1] & 15;
      expect(weight[i]).toBe(Math.fround(LEVELS.nf4[code] * Math.fround(i < 64 ? 0.3 : 0.7)));
    }
  });

  const quantized = { ...quantizedWeight({ rows: 2, groups: 1, groupSize: 64, grid: nf4, seed: 3 }) };
  const sources = bitsandbytes.write({ spec: linearSpec(2, 64), quantized }, 'F16', kernels);
  const open = async (change: (all: Map<string, TensorSource>) => void, fields: object = {}) => {
    const all = new Map(sources.map((source) => [source.name.slice('layer.weight'.length), source]));
    change(all);
    return bitsandbytes.open(await checkpointOf([...all.values()]), {
      quant_method: 'bitsandbytes',
      load_in_4bit: true,
      ...fields,
    });
  };
  const put = (suffix: string, fields: Partial<TensorSource>) => (all: Map<string, TensorSource>) =>
    void all.set(suffix, { ...all.get(suffix)!, ...fields });
  const state = '.quant_state.bitsandbytes__nf4';

  it.each<[string, (all: Map<string, TensorSource>) => void]>([
    ['lacks its state', (all) => void all.delete(state)],
    ['has a state that is no JSON', put(state, { bytes: async () => new Uint8Array(76).fill(0x7b) })],
    ['lacks its numbers', (all) => void all.delete('.quant_map')],
    ['has other numbers than its type', put('.quant_map', { bytes: async () => new Uint8Array(64) })],
    ['has codes of another size', put('', { shape: [63, 1] })],
    ['has scales of another dtype', put('.absmax', { dtype: 'I32' })],
  ])('a layer that %s is an error', async (_, change) => {
    const reading = open(change).then((checkpoint) => checkpoint.read('layer.weight'));
    await expect(reading).rejects.toMatchObject({ name: 'CompressError', code: 'bitsandbytes-parts' });
  });

  it.each([{ load_in_4bit: false }, { load_in_8bit: true }, { bnb_4bit_quant_storage: 'bfloat16' }])(
    'a configuration with %j is an error',
    async (fields) => {
      await expect(open(() => {}, fields)).rejects.toMatchObject({ code: 'quantization-config' });
    },
  );
});

it.each<[string, QuantizedWeight['scales']['scales'], number]>([
  ['a scale whose 127-fold is no f32', Float32Array.of(1 + 66112 * 2 ** -23), 128],
  ['a zero point off the middle', Float32Array.of(1), 127],
])('does not write %s', async (_, values, zero) => {
  const scales = { groups: 1, scales: values, zeros: Float32Array.of(zero), group: new Uint32Array(2) };
  const quantized = { rows: 1, columns: 2, grid: int8, groupSize: 2, codes: Uint8Array.of(1, 2), scales };
  const sources = bitsandbytes.write({ spec: linearSpec(1, 2), quantized }, 'F16', kernels);
  const writing = Promise.all(sources.map(wholeBytes));
  await expect(writing).rejects.toMatchObject({ code: 'not-representable' });
});

it.each<[string, number, Grid, number, RegExp]>([
  ['4-bit integers', 64, integerGrid({ bits: 4 }), 64, /take nf4, fp4-bnb and int8, not int4/],
  ['asymmetric int8', 64, integerGrid({ bits: 8, symmetric: false }), 64, /not int8-asym/],
  ['other levels', 64, tableGrid({ name: 'sf4', levels: [...LEVELS.nf4].map((x) => x * Math.abs(x)) }), 64, /not sf4/],
  ['int8 in groups', 128, int8, 64, /one scale a row, not one for 64 columns/],
  ['blocks of 48', 96, nf4, 48, /96 columns in blocks of 48/],
  ['blocks of parts of rows', 100, nf4, 4, /100 columns in blocks of 4/],
  ['one nested scale', 64, { ...nf4, nested: 'tensor' }, 64, /use "nested: blocks"/],
  ['int8 with nested scales', 64, { ...int8, nested: 'blocks' }, 64, /no nested scales/],
])('refuses %s', (_, columns, grid, groupSize, message) => {
  expect(bitsandbytes.limit(linearSpec(8, columns), grid, groupSize)).toMatchObject({
    layer: 'layer',
    message: expect.stringMatching(message),
  });
});

it('refuses an index of groups, Conv1D and names without .weight', () => {
  expect(bitsandbytes.limit(linearSpec(8, 64), nf4, 64, true)?.message).toMatch(/act-static/);
  expect(bitsandbytes.limit(linearSpec(8, 64, true), nf4, 64)?.message).toMatch(/Conv1D/);
  expect(bitsandbytes.limit({ ...linearSpec(8, 64), weight: 'experts' }, nf4, 64)?.message).toMatch(
    /not after experts/,
  );
});

it('says to transformers what it must know', () => {
  const configuration = (grid: Grid) =>
    bitsandbytes.configuration({ grid, groupSize: 64, quantized: ['layer'], untouched: ['lm_head'], dtype: 'BF16' });
  expect(configuration({ ...nf4, nested: 'blocks' })).toMatchObject({
    load_in_4bit: true,
    load_in_8bit: false,
    bnb_4bit_quant_type: 'nf4',
    bnb_4bit_use_double_quant: true,
    bnb_4bit_compute_dtype: 'bfloat16',
    llm_int8_skip_modules: ['lm_head'],
  });
  expect(configuration(int8)).toMatchObject({ load_in_4bit: false, load_in_8bit: true });
});
