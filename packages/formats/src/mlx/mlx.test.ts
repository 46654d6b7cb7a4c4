import { type Grid, integerGrid, type TensorSource, tableGrid } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { roundTrip } from '../round-trip.test.fixture.ts';
import { mlx } from './mlx.ts';
import { E2M1_LEVELS } from './mlx-layout.ts';

const kernels = createReferenceKernels();
const mxfp4 = tableGrid({ name: 'mxfp4', levels: [...E2M1_LEVELS], scaleType: 'e8m0', reach: 7 });
const golden = Float32Array.from({ length: 32 }, (_, i) => (((37 * i + 11) % 64) - 32) / 16);

async function words(sources: readonly TensorSource[]): Promise<string> {
  const bytes = await wholeBytes(sources.find(({ name }) => name === 'layer.weight')!);
  return [...new Uint32Array(bytes.slice().buffer)].map((word) => word.toString(16).padStart(8, '0')).join(' ');
}

/** What mx.quantize made of the golden row: scale, offset and words. */
const GOLDEN: [number, number, string][] = [
  [4, 0.25, '4a18e5c3 e4b28f6d 8e5c2907 28f6c3a1'],
  [3, 0.5, 'de544ef1 6343eb19 33bca89d'],
  [5, 0.125, '050eab06 48f99a3d c80eda2c 827f1582 1c3ccc9a'],
];

it.each(GOLDEN)('has the words of MLX at %i bits', async (bits, scale, expected) => {
  const middle = 2 ** (bits - 1);
  const half = (x: number) => {
    const rounded = Math.round(x);
    return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  };
  const codes = Uint8Array.from(golden, (w) => Math.min(2 ** bits - 1, Math.max(0, half((w + 2) / scale))));
  const scales = {
    groups: 1,
    scales: Float32Array.of(scale),
    zeros: Float32Array.of(middle),
    group: new Uint32Array(32),
  };
  const quantized = { rows: 1, columns: 32, grid: integerGrid({ bits }), groupSize: 32, codes, scales };
  const sources = mlx.write({ spec: linearSpec(1, 32), quantized }, 'F16', kernels);
  expect(await words(sources)).toBe(expected);
  const biases = await wholeBytes(sources.find(({ name }) => name === 'layer.biases')!);
  expect([...biases]).toEqual([0, 0xc0]);
});

it('reads the words that MLX made in MXFP4 as the nearest numbers', async () => {
  // Ties apart, on which its rounding and ours differ, there is one nearest number.
  const words = Uint32Array.of(3268434765, 1547503268, 95736297, 3495578670);
  const tensor = (name: string, dtype: 'U32' | 'U8', shape: number[], data: Uint8Array): TensorSource => ({
    name: `layer.${name}`,
    dtype,
    shape,
    byteLength: data.byteLength,
    bytes: async () => data,
  });
  const sources = [
    tensor('weight', 'U32', [1, 4], new Uint8Array(words.buffer)),
    tensor('scales', 'U8', [1, 1], Uint8Array.of(126)),
  ];
  const checkpoint = await mlx.open(await checkpointOf(sources), { group_size: 32, bits: 4, mode: 'mxfp4' });
  const weight = await readFloats(checkpoint, 'layer.weight');
  for (const [i, w] of golden.entries()) {
    const distance = (level: number) => Math.abs(level / 2 - w);
    expect(Math.abs(weight[i] - w), `element ${i}`).toBe(Math.min(...[...E2M1_LEVELS].map(distance)));
  }
});

const shapes = { rows: fc.integer({ min: 1, max: 9 }), groups: fc.integer({ min: 2, max: 4 }), seed: fc.nat() };

it('returns (code - zero) * scale, and codes, scales and zero points, for every width, group size and symmetry', async () => {
  const weights = fc
    .record({
      ...shapes,
      bits: fc.constantFrom(2, 3, 4, 5, 6, 8),
      symmetric: fc.boolean(),
      groupSize: fc.constantFrom(32, 64, 128),
    })
    .map(({ bits, symmetric, ...p }) => quantizedWeight({ ...p, grid: integerGrid({ bits, symmetric }) }));
  await fc.assert(
    fc.asyncProperty(weights, fc.nat(), fc.nat(), async (quantized, a, b) => {
      const coded = await roundTrip(mlx, quantized, (r, c) => exactValue(quantized, r, c), [a, b]);
      expect((await coded.read()).scales).toEqual(quantized.scales);
      expect(coded.grid).toEqual(integerGrid({ bits: quantized.grid.bits, symmetric: false }));
    }),
    { numRuns: 60 },
  );
});

it('returns level * scale, and codes and scales, of MXFP4', async () => {
  const weights = fc.record(shapes).map((p) => {
    const quantized = quantizedWeight({ ...p, groupSize: 32, grid: mxfp4 });
    quantized.scales.zeros.fill(0);
    const scales = quantized.scales.scales.map((scale) => 2 ** Math.floor(Math.log2(scale)));
    return { ...quantized, codes: quantized.codes.map((code) => code % 15), scales: { ...quantized.scales, scales } };
  });
  await fc.assert(
    fc.asyncProperty(weights, async (quantized) => {
      const { codes, columns, scales } = quantized;
      const value = (r: number, c: number) =>
        E2M1_LEVELS[codes[r * columns + c]] * scales.scales[r * scales.groups + scales.group[c]];
      const coded = await roundTrip(mlx, quantized, value);
      expect(await coded.read()).toEqual(quantized);
    }),
    { numRuns: 30 },
  );
});

describe('what mlx-lm wrote', () => {
  const floats = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const tensor = (name: string, dtype: 'U32' | 'F32', shape: number[], data: Uint8Array): TensorSource => ({
    name: `layer.${name}`,
    dtype,
    shape,
    byteLength: data.byteLength,
    bytes: async () => data,
  });
  const open = async (configuration: object, scale: number, bias: number) =>
    mlx.open(
      await checkpointOf([
        tensor('weight', 'U32', [1, 4], new Uint8Array(Uint32Array.of(0x4a18e5c3, 0, 0, 0).buffer)),
        tensor('scales', 'F32', [1, 1], floats([scale])),
        tensor('biases', 'F32', [1, 1], floats([bias])),
      ]),
      { ...configuration },
    );

  it('is read with scales below 0 and offsets that are no zero points, as floats alone', async () => {
    const checkpoint = await open({ group_size: 32, bits: 4 }, -0.25, 1.7);
    const weight = await readFloats(checkpoint, 'layer.weight');
    expect([...weight.subarray(0, 2)]).toEqual([3, 12].map((code) => Math.fround(-0.25 * code + Math.fround(1.7))));
    await expect(checkpoint.coded.get('layer.weight')!.read()).rejects.toMatchObject({ code: 'not-representable' });
  });

  it('may have another width in some layers', async () => {
    const checkpoint = await open({ group_size: 64, bits: 8, layer: { group_size: 32, bits: 4 } }, 1, 0);
    expect((await readFloats(checkpoint, 'layer.weight'))[0]).toBe(3);
  });

  it.each([{ bits: 7 }, { group_size: 48 }, { mode: 'nvfp4' }, { mode: 'mxfp4', group_size: 64 }])(
    'with %j is an error',
    async (fields) => {
      const reading = open({ group_size: 32, bits: 4, ...fields }, 1, 0);
      await expect(reading).rejects.toMatchObject({ code: 'quantization-config' });
    },
  );

  it('whose parts do not fit is an error', async () => {
    await expect(open({ group_size: 64, bits: 4 }, 1, 0)).rejects.toMatchObject({ code: 'mlx-parts' });
  });
});

it.each<[string, number, Grid, number, RegExp]>([
  ['7 bits', 128, integerGrid({ bits: 7 }), 64, /2, 3, 4, 5, 6 and 8 bits, and mxfp4, not int7/],
  ['groups of 16', 128, integerGrid({ bits: 4 }), 16, /groups of 32, 64, 128 columns/],
  ['groups that do not divide', 576, integerGrid({ bits: 4 }), 128, /576 input columns/],
  ['one group a row', 64, integerGrid({ bits: 4 }), 64, /one group a row/],
  ['mxfp4 in groups of 64', 128, mxfp4, 64, /groups of 32 columns/],
  ['asymmetric f32 scales', 128, integerGrid({ bits: 4, symmetric: false, scaleType: 'f32' }), 64, /use scaleType f16/],
])('refuses %s', (_, columns, grid, groupSize, message) => {
  expect(mlx.limit(linearSpec(8, columns), grid, groupSize)?.message).toMatch(message);
});

it('refuses an index of groups, Conv1D and names without .weight', () => {
  const grid = integerGrid({ bits: 4 });
  expect(mlx.limit(linearSpec(8, 128), grid, 64, true)?.message).toMatch(/act-static/);
  expect(mlx.limit(linearSpec(8, 128, true), grid, 64)?.message).toMatch(/Conv1D/);
  expect(mlx.limit({ ...linearSpec(8, 128), weight: 'experts' }, grid, 64)?.message).toMatch(/not after experts/);
});
