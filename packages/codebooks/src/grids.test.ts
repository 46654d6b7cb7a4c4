import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DYNAMIC_MAP,
  dequantizeWeight,
  fitGrid,
  type Grid,
  packedBits,
  quantizeWeight,
  randomStream,
  resolveGrid,
} from '@compress/core';
import { createKernels, createReferenceKernels, type Matrix } from '@compress/kernels';
import { afterAll, describe, expect, test } from 'vitest';
import { anyGrid, codebooks, kMeansGrid, mxfp4, mxfp8E4m3, normalFloat, nvfp4, studentFloat } from './index.ts';

const kernels = await createKernels({ threads: 1 });
afterAll(() => kernels.close());

function normals(rows: number, columns: number, seed = 0): Matrix {
  const { normal } = randomStream('codebooks', seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => 0.05 * normal()) };
}

async function roundTrip(
  weight: Matrix,
  grid: Grid,
  groupSize: number | 'channel' | 'tensor',
  importance?: Float32Array,
) {
  const quantized = await quantizeWeight({ weight, grid, groupSize, importance, kernels });
  return { quantized, values: (await dequantizeWeight(quantized, kernels)).data };
}

const squaredError = (weight: Matrix, values: Float32Array) =>
  values.reduce((sum, q, i) => sum + (q - weight.data[i]) ** 2, 0);

/** What row `r` may be rounded to, in units of its scales. */
function levelsOf({ codes }: Grid, r: number): number[] {
  if (codes.kind === 'integer') throw new Error('no grid of levels');
  if (codes.kind === 'table') return [...codes.levels];
  const { columns, data } = codes.levels;
  return [...data.subarray(r * columns, (r + 1) * columns)];
}

test('worked examples of NF4 and SF4', async () => {
  const weight = { rows: 1, columns: 8, data: Float32Array.of(0.5, -1.2, 0.31, 0.87, -0.44, 0.09, 1.5, -0.66) };
  for (const [grid, codes, expected] of [
    [
      normalFloat(4),
      [11, 1, 10, 13, 4, 8, 15, 3],
      [0.50687286, -1.0442892, 0.36916845, 0.84392551, -0.42666207, 0.11937045, 1.5, -0.59237623],
    ],
    [
      studentFloat(4),
      [12, 1, 10, 14, 3, 8, 15, 2],
      [0.56370726, -0.94167083, 0.30699153, 0.98517172, -0.50149612, 0.09826961, 1.5, -0.68210398],
    ],
  ] as const) {
    const { quantized, values } = await roundTrip(weight, grid, 'channel');
    expect([...quantized.codes]).toEqual(codes);
    for (const [i, value] of expected.entries()) expect(Math.abs(values[i] - value)).toBeLessThan(1e-6);
  }
});

describe.each(Object.entries(codebooks))('%s', (name, grid) => {
  const weight = normals(6, 64);

  test('has ascending levels, as many as its codes can name', () => {
    const levels = levelsOf(grid, 0);
    expect(levels).toEqual(levels.toSorted((a, b) => a - b));
    expect(levels.length).toBeGreaterThan(2 ** (grid.bits - 1));
    expect(levels.length).toBeLessThanOrEqual(2 ** grid.bits);
    expect(levels.includes(0)).toBe(!name.startsWith('lloyd-max'));
    expect(resolveGrid(name, codebooks)).toEqual(grid);
  });

  test.each([16, 'channel', 'tensor'] as const)('takes the nearest level in groups of %s', async (groupSize) => {
    const { quantized, values } = await roundTrip(weight, grid, groupSize);
    const { scales, group, groups } = quantized.scales;
    for (const [i, w] of weight.data.entries()) {
      const r = Math.floor(i / 64);
      const scale = scales[r * groups + group[i % 64]];
      const least = Math.min(...levelsOf(quantized.grid, r).map((level) => Math.abs(w - level * scale)));
      // A code may be chosen before its scale is rounded to f16.
      expect(Math.abs(w - values[i])).toBeLessThanOrEqual(least + 1e-3 * Math.abs(w));
    }
  });

  test('what has been rounded stays as it is', async () => {
    const { quantized, values } = await roundTrip(weight, grid, 16);
    const again = { ...quantized, codes: kernels.uint8(values.length) };
    await kernels.quantize({
      weight: { ...weight, data: values },
      grid: quantized.grid.codes,
      scales: quantized.scales,
      codes: again.codes,
    });
    expect((await dequantizeWeight(again, kernels)).data).toEqual(values);
  });
});

describe('scales', () => {
  test('of MX are the exponents that compressed-tensors writes', async () => {
    const weight = normals(40, 64, 1);
    weight.data.set([1, 1.75, 3.4999, 3.5, 448, 6, 7], 0);
    for (const [grid, shift] of [
      [mxfp4, 2],
      [mxfp8E4m3, 8],
    ] as const) {
      const { quantized } = await roundTrip(weight, grid, 1);
      for (const [i, w] of weight.data.entries()) {
        const power = Math.floor(Math.log2(Math.abs(w)));
        const up = Math.abs(w) / 2 ** power >= 1.75 ? 1 : 0;
        expect(quantized.scales.scales[i]).toBe(2 ** (power + up - shift));
      }
    }
  });

  test('of NVFP4 are E4M3 numbers in the unit of the weight, 448 for the largest', async () => {
    const weight = normals(40, 64, 2);
    weight.data.fill(0, 0, 16);
    const { quantized, values } = await roundTrip(weight, nvfp4, 16);
    const { nested, scales } = quantized.scales;
    if (nested?.kind !== 'tensor') throw new Error('scales are not nested');
    const absmax = Math.max(...weight.data.map(Math.abs));
    expect(nested.scale).toBe(Math.fround(absmax / 6 / 448));
    const stored = Array.from(scales, (scale) => scale / nested.scale);
    expect(Math.max(...stored)).toBeCloseTo(448, 3);
    for (const local of stored) {
      const step = 2 ** Math.max(Math.floor(Math.log2(local * (1 + 1e-6))) - 3, -9);
      expect(Math.abs(local / step - Math.round(local / step))).toBeLessThan(1e-4);
    }
    expect(values.subarray(0, 16).every((value) => value === 0)).toBe(true);
    expect(packedBits(nvfp4, 16, [40, 64])).toBe(40 * 64 * 4 + 40 * 4 * 8 + 32);
  });

  test('are nested as bitsandbytes nests them', async () => {
    const file = join(import.meta.dirname, '../goldens/double_quantization.json');
    const golden: { offset: number; absmax: number[]; codes: number[]; read: number[]; map: number[] } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    for (const [i, value] of DYNAMIC_MAP.entries()) expect(Math.abs(value - golden.map[i])).toBeLessThan(1e-7);
    const grid = resolveGrid({ name: 'nf4', nested: 'blocks' }, codebooks);
    const data = Float32Array.from({ length: 1200 }, (_, i) =>
      i % 2 === 0 ? ((((i / 2) * 7919) % 1000) + 1) / 4096 : 0,
    );
    const { quantized } = await roundTrip({ rows: 100, columns: 12, data }, grid, 2);
    const { nested, scales } = quantized.scales;
    if (nested?.kind !== 'blocks') throw new Error('scales are not nested');
    expect(nested.offset).toBeCloseTo(golden.offset, 7);
    expect([...nested.absmax]).toEqual(golden.absmax);
    expect([...nested.codes]).toEqual(golden.codes);
    for (const [k, i] of [0, 1, 255, 256, 599].entries()) expect(scales[i]).toBeCloseTo(golden.read[k], 7);
    expect(packedBits(grid, 64, [256, 256]) / 256 ** 2).toBeCloseTo(4.127, 3);
  });

  test('that are nested stay above 0', async () => {
    const weight = normals(64, 64, 3);
    weight.data.fill(0, 0, 640);
    for (let i = 0; i < 640; i += 7) weight.data[i] = 1e-6;
    const grid = resolveGrid({ name: 'nf4', nested: 'blocks' }, codebooks);
    const { quantized } = await roundTrip(weight, grid, 16);
    expect(Math.min(...quantized.scales.scales)).toBeGreaterThan(0);
  });
});

describe('learned levels', () => {
  const weight = normals(24, 256, 4);
  // Tails, of another kind in each row.
  for (const [i, w] of weight.data.entries())
    weight.data[i] = Math.sign(w) * Math.abs(w) ** (1 + Math.floor(i / 256) / 12);

  test('are better than NF4, those of each row best', async () => {
    const errors = [];
    for (const grid of [normalFloat(4), kMeansGrid(4), anyGrid(4)])
      errors.push(squaredError(weight, (await roundTrip(weight, grid, 64)).values));
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  test('heed what columns cost', async () => {
    const importance = Float32Array.from({ length: 256 }, (_, c) => (c % 16 === 0 ? 100 : 0.01));
    const cost = async (name: string) => {
      const grid = resolveGrid({ name, scales: 'hessian' }, codebooks);
      const { values } = await roundTrip(weight, grid, 64, importance);
      return values.reduce((sum, q, i) => sum + importance[i % 256] * (q - weight.data[i]) ** 2, 0);
    };
    expect(await cost('any4')).toBeLessThan(await cost('kmeans4'));
    expect(await cost('kmeans4')).toBeLessThan(await cost('nf4'));
  });

  test('cells cost next to nothing against the exact optimum', async () => {
    const row = normals(1, 512, 5);
    const twice = { rows: 1, columns: 1024, data: Float32Array.of(...row.data, ...row.data) };
    const exact = squaredError(row, (await roundTrip(row, anyGrid(4), 'channel')).values);
    const cells = squaredError(twice, (await roundTrip(twice, anyGrid(4), 'channel')).values) / 2;
    expect(cells).toBeGreaterThanOrEqual(exact * 0.999999);
    expect(cells).toBeLessThan(exact * 1.001);
  });

  test('of rows with few different weights are those weights', async () => {
    const few = { rows: 2, columns: 8, data: Float32Array.of(1, -1, 0.5, 0, 1, -1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0) };
    const { values } = await roundTrip(few, anyGrid(4), 'channel');
    expect(values).toEqual(few.data);
  });

  test('are the same bits by every kernel', async () => {
    const reference = createReferenceKernels();
    const request = { weight, grid: anyGrid(3), groupSize: 64 };
    const [a, b] = [await fitGrid({ ...request, kernels }), await fitGrid({ ...request, kernels: reference })];
    expect(levelsOf(a.grid, 23)).toEqual(levelsOf(b.grid, 23));
  });
});
