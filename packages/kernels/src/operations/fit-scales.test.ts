import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodeGrid } from '../code-grid.ts';
import type { Kernels, ScaleFit, ScaleType } from '../kernels.ts';
import type { Matrix } from '../matrix.ts';
import { openFronts } from '../testing/fronts.ts';
import { anyGrid, strewnScales, withOwnTables } from '../testing/grids.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const every = [...fronts.modes, ['reference', fronts.reference]] as const;
const int = (bits: number): CodeGrid => ({ kind: 'integer', maxCode: 2 ** bits - 1 });

/** Fits one row as one group. */
async function fitRow(kernels: Kernels, data: number[], fit: Partial<ScaleFit>): Promise<[number, number]> {
  const weight = { rows: 1, columns: data.length, data: Float32Array.from(data) };
  const scales = {
    groups: 1,
    scales: new Float32Array(1),
    zeros: new Float32Array(1),
    group: new Uint32Array(data.length),
  };
  await kernels.fitScales({
    weight,
    fit: { grid: int(2), symmetric: false, steps: 0, scaleType: 'f32', ...fit },
    scales,
  });
  return [scales.scales[0], scales.zeros[0]];
}

describe.each(every)('%s', (_mode, kernels) => {
  test('min-max, with 0 always in the range', async () => {
    expect(await fitRow(kernels, [-0.5, 1.1, -1.3, -0.1], {})).toEqual([Math.fround(Math.fround(2.4) / 3), 2]);
    expect(await fitRow(kernels, [-0.6, 1.4, 0.2, -0.4], {})).toEqual([Math.fround(2 / 3), 1]);
    expect(await fitRow(kernels, [3, 6, 1.5], {})).toEqual([2, 0]);
    expect(await fitRow(kernels, [-3, -6, -1.5], {})).toEqual([2, 3]);
    expect(await fitRow(kernels, [3, -6, 1.5], { symmetric: true })).toEqual([4, 2]);
    const levels = Float32Array.of(-1, 0, 0.5);
    expect(await fitRow(kernels, [3, -6, 1.5], { grid: { kind: 'table', levels } })).toEqual([6, 0]);
  });

  test('groups of zeros have scale 1', async () => {
    for (const steps of [0, 3]) {
      expect(await fitRow(kernels, [0, -0, 0], { steps })).toEqual([1, 0]);
      expect(await fitRow(kernels, [0, 0], { steps, symmetric: true })).toEqual([1, 2]);
      expect(await fitRow(kernels, [0], { steps, grid: { kind: 'table', levels: Float32Array.of(-1, 1) } })).toEqual([
        1, 0,
      ]);
    }
  });

  test('scales are rounded to their type, and stay positive and finite', async () => {
    expect((await fitRow(kernels, [0.3, -0.6], { scaleType: 'f16' }))[0]).toBe(0.300048828125);
    expect((await fitRow(kernels, [0.3, -0.6], { scaleType: 'bf16' }))[0]).toBe(0.30078125);
    const levels = { kind: 'table', levels: Float32Array.of(-1, 0, 1) } as const;
    const stored = async (x: number, scaleType: ScaleType, more: Partial<ScaleFit> = {}) =>
      (await fitRow(kernels, [x], { grid: levels, scaleType, ...more }))[0];
    // Steps of E4M3: 2^-9 below 2^-6, then eighths of a power of two; ties go to even, and 448 is the last.
    for (const [x, scale] of [
      [0.3, 0.3125],
      [1.0625, 1],
      [1.1875, 1.25],
      [431, 416],
      [1e4, 448],
      [2.5 * 2 ** -9, 2 ** -8],
      [3.5 * 2 ** -9, 2 ** -7],
      [1e-9, 2 ** -9],
    ])
      expect(await stored(x, 'e4m3')).toBe(scale);
    for (const [x, scale] of [
      [0.3, 0.5],
      [0.5, 1],
      [0.4999, 0.5],
      [3e38, 2 ** 127],
      [1e-45, 2 ** -126],
    ])
      expect(await stored(x, 'e8m0')).toBe(scale);
    expect(await stored(0.3, 'e4m3', { scaleUnit: 0.25 })).toBe(0.3125);
    expect(await stored(6.9, 'e8m0', { reach: 7 })).toBe(1);
    expect(await stored(7, 'e8m0', { reach: 7 })).toBe(2);
    expect((await fitRow(kernels, [1e-9, 0], { scaleType: 'f16' }))[0]).toBe(2 ** -24);
    expect((await fitRow(kernels, [1e-45, 0], { scaleType: 'bf16' }))[0]).toBe(2 ** -133);
    expect((await fitRow(kernels, [1e-45, 0], {}))[0]).toBe(2 ** -149);
    expect((await fitRow(kernels, [1e6, 0], { scaleType: 'f16' }))[0]).toBe(65504);
    expect((await fitRow(kernels, [3e38, -3e38], { symmetric: true }))[0]).toBeLessThan(Infinity);
  });

  test('the search finds the least weighted error among all its choices', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer(),
        async (bits, symmetric, steps, seed) => {
          const random = randomNumbers(seed);
          const weights = random.floats(9, 2);
          const importance = random.floats(9).map(Math.abs);
          const [scale, zero] = await fitRow(kernels, [...weights], { grid: int(bits), symmetric, steps, importance });
          const top = 2 ** bits - 1;
          const low = Math.min(0, ...weights);
          const high = Math.max(0, ...weights);
          const error = (s: number, z: number) =>
            weights.reduce((sum, w, j) => {
              const code = Math.min(Math.max(Math.round(w / s) + z, 0), top);
              return sum + importance[j] * (w - (code - z) * s) ** 2;
            }, 0);
          let least = Infinity;
          for (let i = 0; i <= steps; i++) {
            const factor = 1 - (0.8 * i) / steps;
            const s = ((symmetric ? 2 * Math.max(-low, high) : high - low) * factor) / top;
            const own = symmetric ? (top + 1) / 2 : Math.round((-low * factor) / s);
            const zeros = symmetric || i === 0 ? [own] : [own, own - 1, own + 1].filter((z) => z >= 0 && z <= top);
            least = Math.min(least, ...zeros.map((z) => error(s, z)));
          }
          expect(error(scale, zero)).toBeLessThanOrEqual(least * (1 + 1e-5) + 1e-12);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('symmetric codes need a middle', async () => {
    await expect(fitRow(kernels, [1], { grid: { kind: 'integer', maxCode: 2 }, symmetric: true })).rejects.toThrow(
      /maxCode/,
    );
  });
});

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference in every bit', async () => {
    const side = fc.integer({ min: 0, max: 40 });
    const options = fc.record({
      grid: anyGrid,
      symmetric: fc.boolean(),
      steps: fc.integer({ min: 0, max: 5 }),
      scaleType: fc.constantFrom<ScaleType>('f32', 'f16', 'bf16', 'e4m3', 'e8m0'),
      scaleUnit: fc.constantFrom(1, 0.3, 1e-3),
      reach: fc.constantFrom(undefined, 0.7),
    });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 1, max: 5 }),
        options,
        fc.boolean(),
        fc.boolean(),
        fc.float({ min: 0, max: 30, noNaN: true }),
        fc.integer(),
        async (rows, columns, groups, { reach, ...options }, own, weighted, size, seed) => {
          const random = randomNumbers(seed);
          const grid = own ? withOwnTables(options.grid, rows, random) : options.grid;
          const fit = { ...options, grid, ...(reach && { reach }) };
          const weight: Matrix = random.matrix(rows, columns, size);
          const importance = random.floats(columns).map(Math.abs);
          const { group } = strewnScales(random, rows, columns, groups);
          const room = () => ({
            groups,
            scales: new Float32Array(rows * groups),
            zeros: new Float32Array(rows * groups),
            group,
          });
          const actual = room();
          const expected = room();
          const p = { weight, fit: { ...fit, ...(weighted && { importance }) } };
          await kernels.fitScales({ ...p, scales: actual });
          await fronts.reference.fitScales({ ...p, scales: expected });
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('what is no number ends all the same', async () => {
    const random = randomNumbers(1);
    const weight = random.matrix(9, 20);
    random.spoil(weight.data);
    const scales = strewnScales(random, 9, 20, 3);
    for (const grid of [int(3), { kind: 'table', levels: Float32Array.of(-1, 0, 1) } as const]) {
      await kernels.fitScales({ weight, fit: { grid, symmetric: false, steps: 4, scaleType: 'f16' }, scales });
    }
  });
});

test('every number of threads gives the same bits', async () => {
  const random = randomNumbers(1);
  const weight = random.matrix(303, 509, 3);
  const scales = strewnScales(random, 303, 509, 8);
  await fronts.expectSameBits(async (kernels) => {
    const own = { ...scales, scales: new Float32Array(303 * 8), zeros: new Float32Array(303 * 8) };
    await kernels.fitScales({
      weight,
      fit: { grid: int(4), symmetric: false, steps: 3, scaleType: 'f16' },
      scales: own,
    });
    return [own.scales, own.zeros];
  });
});

test('a finer search never fits worse than min-max', async () => {
  const [, kernels] = fronts.modes[0];
  const random = randomNumbers(2);
  const weight = random.matrix(16, 64);
  const grid = int(3);
  const scales = strewnScales(random, 16, 64, 1);
  const codes = new Uint8Array(16 * 64);
  const errors: number[] = [];
  for (const steps of [0, 40]) {
    const output = emptyLike(weight);
    await kernels.fitScales({ weight, fit: { grid, symmetric: false, steps, scaleType: 'f16' }, scales });
    await kernels.quantize({ weight, grid, scales, codes });
    await kernels.dequantize({ codes, grid, scales, output });
    errors.push(output.data.reduce((sum, q, i) => sum + (q - weight.data[i]) ** 2, 0));
  }
  expect(errors[1]).toBeLessThan(errors[0]);
});
