import { dequantizeWeight, factorizeGram, integerGrid, randomStream, tableGrid } from '@compress/core';
import { type Rows, rowLoss } from '@compress/core/conformance';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { describe, expect, test } from 'vitest';
import { pruneOne, refit, saliency } from './float64-oracle.ts';
import { pruneSparseGpt, type SparseGptRequest } from './prune-sparsegpt.ts';
import { pruneWanda } from './prune-wanda.ts';

const kernels = createReferenceKernels();

function matrix(rows: Rows): Matrix {
  return { rows: rows.length, columns: rows[0].length, data: Float32Array.from(rows.flat()) };
}

function rowsOf({ columns, data }: { columns: number; data: ArrayLike<number> }): number[][] {
  return Array.from({ length: data.length / columns }, (_, r) =>
    Array.from({ length: columns }, (_, c) => data[r * columns + c]),
  );
}

/** Weights, and the gram of activations that share a strong common part. */
function layer(rows: number, columns: number, seed: number): { weight: Matrix; gram: Matrix } {
  const { normal } = randomStream('sparsegpt', rows, columns, seed);
  const draw = (length: number) => Array.from({ length }, normal);
  const tokens = Array.from({ length: 3 * columns }, () => {
    const common = 2 * normal();
    return draw(columns).map((x, c) => (x + common) * (0.3 + ((c * 7) % columns) / columns));
  });
  const gram = Array.from({ length: columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => tokens.reduce((sum, x) => sum + x[i] * x[j], 0) / tokens.length),
  );
  return { weight: matrix(Array.from({ length: rows }, () => draw(columns))), gram: matrix(gram) };
}

async function run(request: Omit<SparseGptRequest, 'kernels'>) {
  const result = await pruneSparseGpt({ ...request, kernels });
  const { columns } = request.weight;
  return { ...result, values: rowsOf(result.weight), masks: rowsOf({ columns, data: result.mask }) };
}

/** The gram with what damping adds to its diagonal. */
function damped(gram: Matrix, damping = 0.01): number[][] {
  const rows = rowsOf(gram);
  const mean = rows.reduce((sum, row, i) => sum + row[i], 0) / rows.length;
  return rows.map((row, i) => row.map((value, j) => (i === j ? value + damping * mean : value)));
}

const pruned = (mask: ArrayLike<number>) => Array.from(mask).reduce((sum, value) => sum + value, 0);

describe('a worked example', () => {
  const weight = matrix([
    [-0.5, 1.1, -1.3, -0.1],
    [-0.6, 1.4, 0.2, -0.4],
  ]);
  const gram = matrix([
    [44, -24, 16, 14],
    [-24, 50, 14, 24],
    [16, 14, 30, 30],
    [14, 24, 30, 60],
  ]);

  test('2:4', async () => {
    const { values, masks } = await run({ weight, gram, pattern: '2:4', polish: { sweeps: 0 } });
    expect(masks).toEqual([
      [1, 0, 0, 1],
      [1, 0, 1, 0],
    ]);
    const expected = [
      [0, 1.478491865, -1.641474671, 0],
      [0, 1.854190238, 0, -0.619989509],
    ];
    for (const [r, row] of expected.entries())
      for (const [c, value] of row.entries()) expect(values[r][c]).toBeCloseTo(value, 5);
    for (const [r, value] of [5.501731846, 5.243202343].entries())
      expect(rowLoss(rowsOf(weight)[r], values[r], damped(gram))).toBeCloseTo(value, 4);
  });

  test('sweeps end at the exact refit', async () => {
    const { values, masks } = await run({ weight, gram, pattern: '2:4', polish: { sweeps: 4 } });
    for (const [r, w] of rowsOf(weight).entries())
      for (const [c, value] of refit(w, masks[r], damped(gram)).entries()) expect(values[r][c]).toBeCloseTo(value, 5);
  });
});

describe('counts', () => {
  test.each([0, 0.1, 0.37, 0.5, 0.93, 1])('a share of %d is exact in each block', async (sparsity) => {
    const { weight, gram } = layer(7, 40, 1);
    const { masks, values, ...result } = await run({ weight, gram, sparsity, blockSize: 16 });
    for (const [from, to] of [
      [0, 16],
      [16, 32],
      [32, 40],
    ])
      expect(pruned(masks.flatMap((row) => row.slice(from, to)))).toBe(Math.round(sparsity * 7 * (to - from)));
    for (const [r, row] of values.entries())
      for (const [c, value] of row.entries()) if (masks[r][c]) expect(value).toBe(0);
    expect(result.sparsity).toBe(pruned(result.mask) / 280);
  });

  test('a share of 0 changes nothing, and costs nothing', async () => {
    const { weight, gram } = layer(7, 40, 1);
    const { weight: after, loss } = await run({ weight, gram, sparsity: 0 });
    expect(after.data).toEqual(weight.data);
    expect(loss).toBe(0);
  });

  test('ties are broken by index', async () => {
    const weight = matrix([[1, -1, 1, 1, 1, -1, 1, 1]]);
    const gram = matrix(Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => (i === j ? 1 : 0))));
    const { masks } = await run({ weight, gram, sparsity: 0.4 });
    expect(masks).toEqual([[1, 1, 1, 0, 0, 0, 0, 0]]);
  });

  test.each([
    ['2:4', 2],
    ['1:4', 3],
    ['3:4', 1],
    ['4:8', 4],
    ['1:2', 1],
  ])('%s in each group of each row', async (pattern, zeros) => {
    const { weight, gram } = layer(6, 40, 2);
    const of = Number(pattern.split(':')[1]);
    const { masks } = await run({ weight, gram, pattern, blockSize: 19 });
    for (const row of masks) for (let c = 0; c < row.length; c += of) expect(pruned(row.slice(c, c + of))).toBe(zeros);
  });
});

describe('against f64 without a factorization', () => {
  test('one pruned column at a time is the optimal brain surgeon', async () => {
    const { weight, gram } = layer(5, 12, 3);
    const mask = Uint8Array.from(weight.data, (_, i) => (i % 12 === 0 ? 1 : 0));
    const { values } = await run({ weight, gram, sparsity: 0, mask, polish: { sweeps: 0 } });
    const hessian = damped(gram);
    for (const [r, w] of rowsOf(weight).entries()) {
      const expected = pruneOne(w, 0, hessian);
      for (const [c, value] of expected.entries()) expect(values[r][c]).toBeCloseTo(value, 4);
      const first = w.map((_, c) => (c === 0 ? 1 : 0));
      expect(rowLoss(w, expected, hessian)).toBeCloseTo(w[0] ** 2 * saliency(hessian, 0), 6);
      expect(refit(w, first, hessian)).toEqual(expected);
    }
  });

  test.each(['2:4', '1:4', undefined] as const)('the paper, column by column: %s', async (pattern) => {
    const { weight, gram } = layer(6, 24, 4);
    const blockSize = 8;
    const { values, masks } = await run({
      weight,
      gram,
      ...(pattern ? { pattern } : { sparsity: 0.5 }),
      blockSize,
      polish: { sweeps: 0 },
    });
    const [kept, of] = pattern ? pattern.split(':').map(Number) : [];
    const expected = rowsOf(weight);
    const hessian = damped(gram);
    const width = of ?? blockSize;
    for (let from = 0; from < 24; from += width) {
      const scored = expected.map((row, r) =>
        row.slice(from, from + width).map((w, i) => ({ r, c: from + i, score: w ** 2 * saliency(hessian, from + i) })),
      );
      const smallest = (all: (typeof scored)[0], count: number) =>
        all.toSorted((a, b) => a.score - b.score).slice(0, count);
      const chosen = of ? scored.flatMap((row) => smallest(row, of - kept)) : smallest(scored.flat(), (6 * width) / 2);
      for (const { r, c } of chosen.toSorted((a, b) => a.c - b.c)) expected[r] = pruneOne(expected[r], c, hessian);
    }
    expect(masks).toEqual(expected.map((row) => row.map((value) => (value === 0 ? 1 : 0))));
    for (const [r, row] of expected.entries())
      for (const [c, value] of row.entries()) expect(values[r][c]).toBeCloseTo(value, 3);
  });

  test('the loss is never below the exact refit of the mask, and sweeps reach it', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { weight, gram } = layer(6, 32, seed);
      const hessian = damped(gram);
      let before = Number.POSITIVE_INFINITY;
      for (const sweeps of [0, 1, 2, 5, 40]) {
        const { values, masks } = await run({ weight, gram, sparsity: 0.6, polish: { sweeps } });
        let [found, least] = [0, 0];
        for (const [r, w] of rowsOf(weight).entries()) {
          const row = rowLoss(w, values[r], hessian);
          const bound = rowLoss(w, refit(w, masks[r], hessian), hessian);
          expect(row).toBeGreaterThan(bound * (1 - 1e-5));
          found += row;
          least += bound;
        }
        expect(found).toBeLessThanOrEqual(before * (1 + 1e-6));
        if (sweeps === 40) expect(found).toBeLessThan(least * 1.0001);
        before = found;
      }
    }
  });

  test('the loss that is told is tr((W - P) G (W - P)^T)', async () => {
    const { weight, gram } = layer(9, 32, 5);
    for (const grid of [undefined, integerGrid({ bits: 3 })]) {
      const result = await run({ weight, gram, grid, groupSize: 16 });
      const expected = rowsOf(weight).reduce((sum, w, r) => sum + rowLoss(w, result.values[r], rowsOf(gram)), 0);
      expect(Math.abs(result.loss - expected)).toBeLessThan(1e-5 * expected);
    }
  });
});

test('with a diagonal gram the order is that of Wanda, and nothing is made good', async () => {
  const { weight, gram } = layer(1, 32, 6);
  const diagonal = { ...gram, data: gram.data.map((value, i) => (i % 33 === 0 ? value : 0)) };
  const squares = Float32Array.from({ length: 32 }, (_, c) => gram.data[c * 33]);
  const { mask, weight: after } = await run({ weight, gram: diagonal, damping: 0 });
  const wanda = pruneWanda({ weight, squares });
  expect(mask).toEqual(wanda.mask);
  for (const [i, value] of wanda.weight.data.entries()) expect(after.data[i]).toBeCloseTo(value, 5);
});

test('what an earlier step pruned stays, and counts', async () => {
  const { weight, gram } = layer(8, 32, 7);
  const mask = Uint8Array.from(weight.data, (_, i) => (i % 4 === 1 ? 1 : 0));
  for (const [i, masked] of mask.entries()) if (masked) weight.data[i] = 0;
  for (const choice of [{ sparsity: 0.5 }, { pattern: '2:4' }]) {
    const result = await run({ weight, gram, mask, ...choice });
    expect(result.sparsity).toBe(0.5);
    expect(mask.every((masked, i) => masked === 0 || result.mask[i] === 1)).toBe(true);
  }
  expect((await run({ weight, gram, mask, sparsity: 0.1 })).mask).toEqual(mask);
});

test('what was never heard goes first', async () => {
  const { weight, gram } = layer(4, 16, 8);
  for (let i = 0; i < 16; i++) gram.data[3 * 16 + i] = gram.data[i * 16 + 3] = 0;
  weight.data[3] = 50;
  const { masks, warnings } = await run({ weight, gram, sparsity: 0.25 });
  for (const row of masks) expect(row[3]).toBe(1);
  expect(warnings.map(({ code }) => code)).toEqual(['dead-columns']);
});

describe('with a grid', () => {
  test.each([
    integerGrid({ bits: 3 }),
    integerGrid({ bits: 4, symmetric: false, scales: 'hessian' }),
    tableGrid({ name: 'x', levels: [-1, -0.2, 0, 0.3, 1] }),
  ])('$name: values are those of the codes, zeros are exact', async (grid) => {
    const { weight, gram } = layer(8, 32, 9);
    for (const choice of [{ sparsity: 0.5 }, { pattern: '2:4' }])
      for (const sweeps of [0, 2]) {
        const { quantized, mask, ...result } = await run({
          weight,
          gram,
          grid,
          groupSize: 8,
          polish: { sweeps },
          ...choice,
        });
        expect((await dequantizeWeight(quantized!, kernels)).data).toEqual(result.weight.data);
        for (const [i, masked] of mask.entries()) if (masked) expect(result.weight.data[i]).toBe(0);
        expect(pruned(mask)).toBe(128);
      }
  });

  test('one sweep loses less than pruning and then rounding to nearest, and descent less still', async () => {
    const { weight, gram } = layer(24, 48, 10);
    const grid = integerGrid({ bits: 3 });
    const joint = await run({ weight, gram, grid, groupSize: 16, polish: { sweeps: 0 } });
    const alone = await run({ weight, gram });
    const rounded = await run({
      weight: alone.weight,
      gram: identity(48),
      grid,
      groupSize: 16,
      mask: alone.mask,
      sparsity: 0,
      polish: { sweeps: 0 },
    });
    const apart = rowsOf(weight).reduce((sum, w, r) => sum + rowLoss(w, rounded.values[r], rowsOf(gram)), 0);
    expect(joint.loss).toBeLessThan(apart);
    expect((await run({ weight, gram, grid, groupSize: 16, polish: { sweeps: 4 } })).loss).toBeLessThan(joint.loss);
  });

  test('one without zero is refused', async () => {
    const { weight, gram } = layer(2, 4, 0);
    const grid = tableGrid({ name: 'halves', levels: [-1, 1] });
    await expect(run({ weight, gram, grid, groupSize: 4 })).rejects.toThrow(/no level 0/);
  });
});

test('a factorization may be shared, and a script needs no kernels', async () => {
  const { weight, gram } = layer(4, 16, 11);
  const factorization = await factorizeGram({ gram, strongestFirst: false, damping: 0.01, kernels });
  const shared = await run({ weight, gram, factorization });
  expect(shared.values).toEqual((await run({ weight, gram })).values);
  const alone = await pruneSparseGpt({ weight, gram, sparsity: 0.5 });
  expect(alone.mask).toEqual(shared.mask);
});

test('mistakes are said', async () => {
  const { weight, gram } = layer(4, 18, 12);
  await expect(run({ weight, gram, pattern: '2:4', layer: 'q' })).rejects.toThrow(/^q: 18 input columns/);
  await expect(run({ weight, gram, pattern: '4:2' })).rejects.toMatchObject({ code: 'sparsity-invalid' });
  await expect(run({ weight, gram, sparsity: -1 })).rejects.toThrow(/share from 0 to 1/);
  await expect(run({ weight, gram, sparsity: 0.5, pattern: '2:4' })).rejects.toThrow(/exclude each other/);
});

function identity(size: number): Matrix {
  return matrix(Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (i === j ? 1 : 0))));
}
