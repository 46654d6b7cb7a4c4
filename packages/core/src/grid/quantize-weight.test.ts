import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { describe, expect, test } from 'vitest';
import { randomStream } from '../random-stream.ts';
import type { Grid } from './grid.ts';
import type { GroupSize } from './group-size.ts';
import { integerGrid } from './integer-grid.ts';
import { packedBits } from './packed-bits.ts';
import { dequantizeWeight, quantizeWeight } from './quantize-weight.ts';
import { shareTensorScale } from './share-tensor-scale.ts';
import { tableGrid } from './table-grid.ts';

const kernels = createReferenceKernels();

function normals(rows: number, columns: number, seed = 0): Matrix {
  const { normal } = randomStream('weight', seed);
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, normal) };
}

async function roundTrip(weight: Matrix, grid: Grid, groupSize: GroupSize, importance?: Float32Array) {
  const quantized = await quantizeWeight({ weight, grid, groupSize, importance, kernels });
  return { quantized, values: (await dequantizeWeight(quantized, kernels)).data };
}

/** sum over all weights of importance (w - q)^2, in f64. */
function squaredError(weight: Matrix, values: Float32Array, importance?: Float32Array): number {
  return values.reduce((sum, q, i) => sum + (importance?.[i % weight.columns] ?? 1) * (weight.data[i] - q) ** 2, 0);
}

describe('integer grids by hand', () => {
  const weight = { rows: 2, columns: 4, data: Float32Array.of(-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4) };

  test('asymmetric, per channel', async () => {
    const grid = integerGrid({ bits: 2, symmetric: false, scaleType: 'f32' });
    const { quantized, values } = await roundTrip(weight, grid, 'channel');
    expect([...quantized.scales.scales]).toEqual([0.8, 2 / 3].map(Math.fround));
    expect([...quantized.scales.zeros]).toEqual([2, 1]);
    expect([...quantized.codes]).toEqual([1, 3, 0, 2, 0, 3, 1, 0]);
    expect(values[2]).toBeCloseTo(-1.6, 6);
  });

  test('symmetric, in groups of 2', async () => {
    const { quantized } = await roundTrip(weight, integerGrid({ bits: 3, scaleType: 'f32' }), 2);
    expect([...quantized.scales.scales]).toEqual(
      [2.2, 2.6, 2.8, 0.8].map((range) => Math.fround(Math.fround(range) / 7)),
    );
    expect(quantized.scales.zeros.every((zero) => zero === 4)).toBe(true);
    expect([...quantized.scales.group]).toEqual([0, 0, 1, 1]);
    // -1.3 / (2.6 / 7) = -3.5 rounds to even, -4; 1.1 / (2.2 / 7) = 3.5 rounds to 4 and is clipped to 3.
    expect([...quantized.codes]).toEqual([2, 7, 0, 4, 2, 7, 6, 0]);
  });

  test('per tensor, every row has one and the same scale', async () => {
    const { quantized } = await roundTrip(weight, integerGrid({ bits: 4, scaleType: 'f32' }), 'tensor');
    expect(quantized.groupSize).toBe(4);
    expect([...quantized.scales.scales]).toEqual([2.8 / 15, 2.8 / 15].map(Math.fround));
  });
});

describe('blocks of the flattened weight', () => {
  const importance = Float32Array.from({ length: 10 }, (_, c) => 1 + c);

  test.each([
    [integerGrid({ bits: 4, symmetric: false }), 4],
    [integerGrid({ bits: 3, scales: 'mse' }), 4],
    [tableGrid({ name: 'five', levels: [-2, -0.5, 0, 0.5, 1] }), 20],
    [tableGrid({ name: 'five', levels: [-2, -0.5, 0, 0.5, 1], nested: 'blocks' }), 5],
  ])('are rows of a weight of that shape: %j, %i', async (grid, flattened) => {
    const weight = normals(6, 10);
    const { quantized, values } = await roundTrip(weight, grid, { flattened });
    const shaped = await roundTrip({ rows: 60 / flattened, columns: flattened, data: weight.data }, grid, 'channel');
    expect(quantized.codes).toEqual(shaped.quantized.codes);
    expect(values).toEqual(shaped.values);
    expect(quantized.scales.nested).toEqual(shaped.quantized.scales.nested);
    expect(packedBits(grid, { flattened }, [6, 10])).toBe(packedBits(grid, 'channel', [60 / flattened, flattened]));
  });

  test('may end with a short one, and count what columns cost', async () => {
    const weight = normals(3, 10);
    const grid = integerGrid({ bits: 3, scales: 'hessian', scaleType: 'f32' });
    const { quantized } = await roundTrip(weight, grid, { flattened: 16 }, importance);
    const { scales, groups } = quantized.scales;
    expect([groups, quantized.groupSize]).toEqual([5, 2]);
    // Rows of 5 parts, blocks of 8 parts: the second block begins within the second row.
    expect(new Set(scales.subarray(0, 8)).size).toBe(1);
    expect(new Set(scales.subarray(8)).size).toBe(1);
    expect(packedBits(grid, { flattened: 16 }, [3, 10])).toBe(30 * 3 + 2 * 32);
    const tail = { rows: 1, columns: 14, data: weight.data.slice(16) };
    const costs = Float32Array.from({ length: 14 }, (_, i) => importance[(16 + i) % 10]);
    expect(scales[8]).toBe((await roundTrip(tail, grid, 'channel', costs)).quantized.scales.scales[0]);
  });
});

test('zero is exact on every integer grid, and groups of zeros are zeros', async () => {
  const weight = normals(3, 32);
  for (let c = 0; c < 32; c += 3) weight.data[c] = 0;
  weight.data.fill(0, 32, 64);
  for (const bits of [2, 3, 4, 5, 6, 7, 8])
    for (const symmetric of [true, false]) {
      const { values } = await roundTrip(weight, integerGrid({ bits, symmetric }), 16);
      for (const [i, w] of weight.data.entries()) if (w === 0) expect(values[i]).toBe(0);
    }
});

test('errors stay within half a step of an asymmetric grid and shrink with bits', async () => {
  const weight = normals(8, 64);
  let before = Number.POSITIVE_INFINITY;
  for (const bits of [2, 3, 4, 5, 6, 7, 8]) {
    const { quantized, values } = await roundTrip(
      weight,
      integerGrid({ bits, symmetric: false, scaleType: 'f32' }),
      32,
    );
    const steps = values.map((q, i) => Math.abs(q - weight.data[i]) / quantized.scales.scales[Math.floor(i / 32)]);
    // An integer zero point may shift the range's end by half a step.
    expect(Math.max(...steps)).toBeLessThan(1.0001);
    const error = squaredError(weight, values);
    expect(error).toBeLessThan(before / 2);
    before = error;
  }
});

describe('scale rules', () => {
  const weight = normals(16, 64, 1);
  const importance = Float32Array.from({ length: 64 }, (_, c) => 1 + (c % 7) ** 4);

  test('a search beats the whole range by the measure that it searches', async () => {
    for (const symmetric of [true, false]) {
      const grid = (scales: Grid['scales']) => integerGrid({ bits: 3, symmetric, scales });
      const plain = (await roundTrip(weight, grid('minmax'), 32)).values;
      const mse = (await roundTrip(weight, grid('mse'), 32)).values;
      const hessian = (await roundTrip(weight, grid('hessian'), 32, importance)).values;
      expect(squaredError(weight, mse)).toBeLessThan(squaredError(weight, plain));
      expect(squaredError(weight, hessian, importance)).toBeLessThan(squaredError(weight, mse, importance));
      expect(squaredError(weight, mse)).toBeLessThan(squaredError(weight, hessian));
    }
  });

  test('a percentile cuts the tails that numpy would cut', async () => {
    const row = { rows: 1, columns: 5, data: Float32Array.of(-10, 1, 2, 3, 20) };
    // numpy.percentile([-10, 1, 2, 3, 20], [10, 90]) = [-5.6, 13.2]; of the magnitudes [1, 2, 3, 10, 20], 90: 16.
    const scaleOf = async (symmetric: boolean) =>
      (
        await roundTrip(
          row,
          integerGrid({ bits: 4, symmetric, scales: 'percentile', percentile: 90, scaleType: 'f32' }),
          'channel',
        )
      ).quantized.scales.scales[0];
    expect(await scaleOf(false)).toBeCloseTo(18.8 / 15, 5);
    expect(await scaleOf(true)).toBeCloseTo(32 / 15, 5);
  });

  test('hessian without importance is an error that names the layer', async () => {
    const grid = integerGrid({ bits: 3, scales: 'hessian' });
    await expect(quantizeWeight({ weight, grid, groupSize: 32, layer: 'q_proj', kernels })).rejects.toThrow(
      /^q_proj: .*each of 64 columns; none was given/,
    );
  });
});

test('bf16 scales are rounded before codes are chosen', async () => {
  const weight = normals(4, 32, 2);
  const { quantized, values } = await roundTrip(weight, integerGrid({ bits: 8, scaleType: 'bf16' }), 16);
  const bits = new Uint32Array(quantized.scales.scales.buffer);
  expect(bits.every((word) => (word & 0xffff) === 0)).toBe(true);
  for (const [i, q] of values.entries()) {
    const nearest = Math.abs(q - weight.data[i]) / quantized.scales.scales[Math.floor(i / 16)];
    if (quantized.codes[i] > 0 && quantized.codes[i] < 255) expect(nearest).toBeLessThan(0.5001);
  }
});

test('f16 scales keep the codes of f32 ones, ends of the range included, but not where f16 is coarse', async () => {
  const weight = normals(64, 32, 3);
  for (const symmetric of [true, false]) {
    const f32 = await roundTrip(weight, integerGrid({ bits: 4, symmetric, scaleType: 'f32' }), 8);
    const f16 = await roundTrip(weight, integerGrid({ bits: 4, symmetric, scaleType: 'f16' }), 8);
    expect(f16.quantized.codes).toEqual(f32.quantized.codes);
    expect(f16.quantized.scales.zeros).toEqual(f32.quantized.scales.zeros);
    const { scales } = f16.quantized.scales;
    const bytes = new Uint8Array(2 * scales.length);
    const half = new Float32Array(scales.length);
    await kernels.encode({ values: scales, type: 'f16', output: bytes });
    await kernels.decode({ bytes, type: 'f16', output: half });
    expect(half).toEqual(scales);
    for (const [i, q] of f16.values.entries())
      expect(Math.abs(q - f32.values[i])).toBeLessThanOrEqual(Math.abs(q) * 2 ** -11);
  }
  // Scales of 1e-7 become 1.2e-7 in f16: the codes of that scale are another choice, and a better one.
  const tiny = { ...weight, data: weight.data.map((w) => w * 3e-7) };
  const { quantized, values } = await roundTrip(tiny, integerGrid({ bits: 4 }), 8);
  for (const [i, q] of values.entries()) {
    const inside = quantized.codes[i] > 0 && quantized.codes[i] < 15;
    if (inside)
      expect(Math.abs(q - tiny.data[i])).toBeLessThanOrEqual(0.5001 * quantized.scales.scales[Math.floor(i / 8)]);
  }
});

test('a table grid takes the nearest level, the largest level being absmax', async () => {
  const grid = tableGrid({ name: 'five', levels: [-2, -0.5, 0, 0.5, 1], scaleType: 'f32' });
  const weight = { rows: 1, columns: 4, data: Float32Array.of(4, -1.6, 0.4, -2.4) };
  const { quantized, values } = await roundTrip(weight, grid, 'channel');
  expect(quantized.scales.scales[0]).toBe(2);
  expect([...values]).toEqual([2, -1, 0, -1]);
});

test('weights that are no numbers are refused with their place', async () => {
  const weight = normals(2, 8);
  weight.data[11] = Number.NaN;
  const request = {
    weight,
    grid: integerGrid({ bits: 4 }),
    groupSize: 'channel',
    layer: 'blocks.0.q',
    kernels,
  } as const;
  await expect(quantizeWeight(request)).rejects.toMatchObject({
    code: 'weight-not-finite',
    message: expect.stringMatching(/^blocks\.0\.q: .*NaN at row 1, column 3/),
  });
});

test('packed bits count codes, scales and zero points', () => {
  expect(packedBits(integerGrid({ bits: 4 }), 128, [256, 256]) / 256 ** 2).toBe(4.125);
  expect(packedBits(integerGrid({ bits: 4, symmetric: false }), 128, [256, 256]) / 256 ** 2).toBe(4.15625);
  expect(packedBits(integerGrid({ bits: 2, symmetric: false, scaleType: 'f32' }), 64, [8, 64])).toBe(8 * (128 + 34));
  expect(packedBits(integerGrid({ bits: 8 }), 'tensor', [10, 10])).toBe(816);
  expect(packedBits(integerGrid({ bits: 8 }), 'channel', [0, 10])).toBe(0);
});

describe('blocks', () => {
  test('have the scale of their largest magnitude, the last rows too', async () => {
    const weight = normals(7, 12, 4);
    const grid = integerGrid({ bits: 4, scaleType: 'f32' });
    const { quantized } = await roundTrip(weight, grid, { block: [3, 4] });
    for (let r = 0; r < 7; r++)
      for (let g = 0; g < 3; g++) {
        let most = 0;
        for (let y = Math.floor(r / 3) * 3; y < Math.min(7, Math.floor(r / 3) * 3 + 3); y++)
          for (let x = 4 * g; x < 4 * g + 4; x++) most = Math.max(most, Math.abs(weight.data[y * 12 + x]));
        expect(quantized.scales.scales[r * 3 + g]).toBeCloseTo((2 * most) / 15, 6);
      }
    expect(packedBits(grid, { block: [3, 4] }, [7, 12])).toBe(7 * 12 * 4 + 9 * 32);
  });

  test('of one row are groups', async () => {
    const weight = normals(5, 8, 5);
    const grid = integerGrid({ bits: 3, symmetric: false, scales: 'mse' });
    const blocks = await roundTrip(weight, grid, { block: [1, 4] });
    const groups = await roundTrip(weight, grid, 4);
    expect(blocks.quantized.codes).toEqual(groups.quantized.codes);
    expect(blocks.quantized.scales).toEqual(groups.quantized.scales);
  });

  test('are searched with what errors of columns cost', async () => {
    const weight = normals(4, 8, 6);
    const importance = Float32Array.from({ length: 8 }, (_, c) => 1 + 100 * (c % 3));
    const grid = integerGrid({ bits: 2, scales: 'hessian' });
    const searched = await roundTrip(weight, grid, { block: [2, 4] }, importance);
    const whole = await roundTrip(weight, integerGrid({ bits: 2 }), { block: [2, 4] });
    const loss = (values: Float32Array) => squaredError(weight, values, importance);
    expect(loss(searched.values)).toBeLessThan(loss(whole.values));
  });
});

test('weights that share the scale of a whole weight have one unit', async () => {
  const grid = tableGrid({ name: 'four', levels: [-6, -2, 0, 2, 6], nested: 'tensor' });
  const weights = [normals(3, 8, 7), normals(2, 8, 8)];
  weights[1].data[3] = 9;
  const shared = shareTensorScale(grid, weights);
  const units = await Promise.all(
    weights.map(async (weight) => (await roundTrip(weight, shared, 4)).quantized.scales.nested),
  );
  const unit = { kind: 'tensor', scale: Math.fround(9 / 6 / 448) };
  expect(units).toEqual([unit, unit]);
  expect(shareTensorScale(integerGrid({ bits: 4 }), weights)).toEqual(integerGrid({ bits: 4 }));
});
