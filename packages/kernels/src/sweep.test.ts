import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodeGrid, GroupScales } from './code-grid.ts';
import { createKernels } from './create-kernels.ts';
import type { Matrix } from './matrix.ts';
import { createReferenceKernels } from './reference/create-reference-kernels.ts';
import { valuesOf, withOwnTables } from './testing/grids.ts';
import { hessianOf } from './testing/hessian.ts';
import { copyOf, randomNumbers } from './testing/random.ts';

const reference = createReferenceKernels();
const fronts = {
  fma: await createKernels({ threads: 2 }),
  'mul-add': await createKernels({ threads: 1, numerics: 'mul-add' }),
};
afterAll(async () => {
  await Promise.all(Object.values(fronts).map((kernels) => kernels.close()));
});

const NF4 = [
  -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0, 0.0795803, 0.1609302, 0.2461123,
  0.33791524, 0.44070983, 0.562617, 0.72295684, 1,
];
const grids: Record<string, CodeGrid | undefined> = {
  none: undefined,
  int3: { kind: 'integer', maxCode: 7 },
  int8: { kind: 'integer', maxCode: 255 },
  table: { kind: 'table', levels: Float32Array.from(NF4) },
  'own tables': { kind: 'table', levels: Float32Array.from(NF4) },
};

describe.each(Object.entries(fronts))('%s', (_name, kernels) => {
  test('the worked example of GPTQ (2 bits, 4 columns)', async () => {
    const { hessian, weight, scales } = example();
    const factor = matrix(4, 4, new Float32Array(16));
    expect(await kernels.inverseFactor({ hessian, output: factor })).toBe(0);
    const expected = [0.281040783, 0.2127433, -0.191936618, -0.054288978, 0, 0.156840374, -0.021060591, -0.051808654];
    for (const [i, value] of expected.entries()) expect(factor.data[i]).toBeCloseTo(value, 5);
    expect(factor.data[10]).toBeCloseTo(0.253395076, 5);
    expect(factor.data[11]).toBeCloseTo(-0.125733581, 5);
    expect(factor.data[15]).toBeCloseTo(0.128607391, 5);

    const codes = new Uint8Array(8);
    const loss = new Float64Array(2);
    const grid = { kind: 'integer', maxCode: 3 } as const;
    await kernels.sweep({ weight, factor, from: 0, to: 4, blockSize: 2, grid, scales, codes, loss });
    expect([...codes]).toEqual([1, 3, 1, 2, 0, 3, 1, 1]);
    expect(loss[0]).toBeCloseTo(4.1624, 4);
    expect(loss[1]).toBeCloseTo(5.073866667, 4);
  });

  test('the worked example of SparseGPT (2:4)', async () => {
    const { hessian, weight } = example();
    const factor = matrix(4, 4, new Float32Array(16));
    await kernels.inverseFactor({ hessian, output: factor });
    const mask = Uint8Array.of(1, 0, 0, 1, 1, 0, 1, 0);
    const loss = new Float64Array(2);
    await kernels.sweep({ weight, factor, from: 0, to: 4, blockSize: 4, mask, loss });
    const expected = [0, 1.478491865, -1.641474671, 0, 0, 1.854190238, 0, -0.619989509];
    for (const [i, value] of expected.entries()) expect(weight.data[i]).toBeCloseTo(value, 5);
    expect(loss[0]).toBeCloseTo(5.501731846, 4);
    expect(loss[1]).toBeCloseTo(5.243202343, 4);
  });

  test.each(Object.entries(grids))(
    'grid %s: every choice is the nearest, given the choices before it',
    async (name, shared) => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            rows: fc.integer({ min: 0, max: 70 }),
            columns: fc.integer({ min: 1, max: 150 }),
            blockSize: fc.constantFrom(1, 7, 32, 128, 300),
            masked: fc.boolean(),
            cut: fc.tuple(fc.nat(100), fc.nat(100)),
            seed: fc.integer(),
          }),
          async ({ rows, columns, blockSize, masked, cut, seed }) => {
            const random = randomNumbers(seed).matrix;
            const grid = gridOf(name, shared, rows);
            const hessian = hessianOf(random(columns, columns));
            const factor = matrix(columns, columns, new Float32Array(columns ** 2));
            await reference.inverseFactor({ hessian, output: factor });
            const weight = random(rows, columns);
            const scales = grid && scalesFor(grid, weight, random);
            const mask = masked ? Uint8Array.from(random(rows, columns).data, (x) => (x > 0 ? 1 : 0)) : undefined;
            const [from, to] = cut.map((x) => Math.min(columns, x)).toSorted((a, b) => a - b);
            const before = copyOf(weight);
            const codes = new Uint8Array(rows * columns);
            const loss = new Float64Array(rows).fill(1);
            await kernels.sweep({
              ...{ weight, factor, from, to, blockSize, loss },
              ...(grid && scales && { grid, scales, codes }),
              ...(mask && { mask }),
            });
            replay({ before, after: weight, factor, from, to, grid, scales, mask, codes, loss });
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  test('identity: the reported loss is (w - q) H (w - q)^T', async () => {
    const random = randomNumbers(3).matrix;
    const hessian = hessianOf(random(400, 200));
    const factor = matrix(200, 200, new Float32Array(200 * 200));
    await kernels.inverseFactor({ hessian, output: factor });
    const weight = random(90, 200);
    const grid = { kind: 'integer', maxCode: 7 } as const;
    const scales = scalesFor(grid, weight, random);
    const quantized = copyOf(weight);
    const loss = new Float64Array(90);
    await kernels.sweep({ weight: quantized, factor, from: 0, to: 200, blockSize: 64, grid, scales, loss });
    const exact = await reference.weightedError({ left: weight, right: quantized, hessian });
    const measured = await kernels.weightedError({ left: weight, right: quantized, hessian });
    for (let r = 0; r < 90; r++) {
      expect(Math.abs(loss[r] / exact[r] - 1)).toBeLessThan(1e-4);
      expect(Math.abs(measured[r] / exact[r] - 1)).toBeLessThan(1e-5);
    }
  });

  test('block by block is the same bits as at once', async () => {
    const random = randomNumbers(4).matrix;
    const factor = matrix(300, 300, new Float32Array(300 * 300));
    await kernels.inverseFactor({ hessian: hessianOf(random(400, 300)), output: factor });
    const weight = random(40, 300);
    const grid = { kind: 'integer', maxCode: 15 } as const;
    const common = { factor, blockSize: 128, grid, scales: scalesFor(grid, weight, random) };
    const once = copyOf(weight);
    const steps = copyOf(weight);
    const lossOnce = new Float64Array(40);
    const lossSteps = new Float64Array(40);
    await kernels.sweep({ ...common, weight: once, from: 0, to: 300, loss: lossOnce });
    for (const from of [0, 128, 256]) {
      await kernels.sweep({ ...common, weight: steps, from, to: Math.min(300, from + 128), loss: lossSteps });
    }
    expect(steps.data).toEqual(once.data);
    expect(lossSteps).toEqual(lossOnce);
  });

  test.each([
    ['int3', 33, 40],
    ['table', 70, 300],
    ['own tables', 70, 40],
  ])('descend on %s lowers the loss of rows and grows none', async (name, rows, columns) => {
    const random = randomNumbers(columns).matrix;
    const hessian = hessianOf(random(2 * columns, columns));
    const weight = random(rows, columns);
    const grid = gridOf(name, grids[name], rows)!;
    const scales = scalesFor(grid, weight, random);
    const codes = new Uint8Array(rows * columns);
    await reference.quantize({ weight, grid, scales, codes });
    const quantized = matrix(rows, columns, new Float32Array(rows * columns));
    await reference.dequantize({ codes, grid, scales, output: quantized });
    const mask = Uint8Array.from(random(rows, columns).data, (x) => (x > 0.8 ? 1 : 0));
    const start = { quantized: copyOf(quantized), codes: codes.slice() };
    const peer = { quantized: copyOf(quantized), codes: codes.slice() };

    const before = await reference.weightedError({ left: quantized, right: weight, hessian });
    await kernels.descend({ weight, hessian, grid, scales, quantized, codes, mask });
    const after = await reference.weightedError({ left: quantized, right: weight, hessian });
    await reference.descend({ weight, hessian, grid, scales, ...peer, mask });
    const expected = await reference.weightedError({ left: peer.quantized, right: weight, hessian });

    const total = (losses: Float64Array) => losses.reduce((sum, x) => sum + x, 0);
    for (let r = 0; r < rows; r++) expect(after[r]).toBeLessThanOrEqual(before[r] * (1 + 1e-6));
    expect(Math.abs(total(after) / total(expected) - 1)).toBeLessThan(0.01);
    const values = copyOf(quantized);
    await reference.dequantize({ codes, grid, scales, output: values });
    expect(values.data).toEqual(quantized.data);
    for (const [i, pruned] of mask.entries()) if (pruned) expect(quantized.data[i]).toBe(start.quantized.data[i]);
  });
});

function gridOf(name: string, shared: CodeGrid | undefined, rows: number): CodeGrid | undefined {
  return shared && name === 'own tables' ? withOwnTables(shared, rows, randomNumbers(rows)) : shared;
}

/** A step of the grid by which a choice may be off: the compensated weight is a sum in f32. */
const TIE = 1e-3;

/** Follows the sweep in f64 with the choices that the kernel made, and checks each choice and everything that follows from them. */
function replay(p: {
  before: Matrix;
  after: Matrix;
  factor: Matrix;
  from: number;
  to: number;
  grid: CodeGrid | undefined;
  scales: GroupScales | undefined;
  mask: Uint8Array | undefined;
  codes: Uint8Array;
  loss: Float64Array;
}): void {
  const { before, after, factor, from, to, grid, scales, mask, codes, loss } = p;
  const n = before.columns;
  for (let r = 0; r < before.rows; r++) {
    const row = Float64Array.from(before.data.subarray(r * n, (r + 1) * n));
    let sum = 1;
    for (let c = from; c < to; c++) {
      const i = r * n + c;
      const q = after.data[i];
      if (mask?.[i]) expect(q).toBe(0);
      else if (!grid || !scales) expect(Math.abs(q - row[c])).toBeLessThan(1e-4 * (1 + Math.abs(q)));
      else expectNearest(grid, scales, r, c, row[c], codes[i], q);
      const error = (row[c] - q) / factor.data[c * n + c];
      if (grid || mask?.[i]) {
        sum += error * error;
        for (let j = c + 1; j < n; j++) row[j] -= error * factor.data[c * n + j];
      }
    }
    expect(Math.abs(loss[r] - sum)).toBeLessThan(1e-3 * sum);
    for (let c = to; c < n; c++) {
      expect(Math.abs(after.data[r * n + c] - row[c])).toBeLessThan(1e-4 * (1 + Math.abs(row[c])));
    }
    for (let c = 0; c < from; c++) expect(after.data[r * n + c]).toBe(before.data[r * n + c]);
  }
}

function expectNearest(grid: CodeGrid, scales: GroupScales, r: number, c: number, w: number, code: number, q: number) {
  const at = r * scales.groups + scales.group[c];
  const scale = scales.scales[at];
  const values = valuesOf(grid, r, scale, scales.zeros[at]);
  expect(q).toBe(values[code]);
  const best = Math.min(...values.map((value) => Math.abs(value - w)));
  expect(Math.abs(q - w)).toBeLessThanOrEqual(best + TIE * scale);
}

/** Groups of 16 columns, interleaved, with scales that cover the weights more or less. */
function scalesFor(grid: CodeGrid, weight: Matrix, random: (rows: number, columns: number) => Matrix): GroupScales {
  const groups = Math.ceil(weight.columns / 16);
  const levels = grid.kind === 'integer' ? grid.maxCode : 2;
  return {
    groups,
    scales: random(weight.rows, groups).data.map((x) => (2 + x) / levels),
    zeros: random(weight.rows, groups).data.map((x) =>
      grid.kind === 'integer' ? Math.round(((1 + x / 4) * grid.maxCode) / 2) : 0,
    ),
    group: Uint32Array.from({ length: weight.columns }, (_, c) => c % groups),
  };
}

/** The layer of two outputs and four inputs, with lambda = 0.46 added, that was solved by hand in f64. */
function example() {
  return {
    hessian: matrix(4, 4, [44.46, -24, 16, 14, -24, 50.46, 14, 24, 16, 14, 30.46, 30, 14, 24, 30, 60.46]),
    weight: matrix(2, 4, [-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4]),
    scales: {
      groups: 1,
      scales: Float32Array.of(0.8, 2 / 3),
      zeros: Float32Array.of(2, 1),
      group: new Uint32Array(4),
    },
  };
}

function matrix(rows: number, columns: number, data: ArrayLike<number>): Matrix {
  return { rows, columns, data: Float32Array.from(data) };
}
