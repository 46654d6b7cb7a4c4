import { dequantizeWeight, factorizeGram, integerGrid, quantizeWeight, randomStream, tableGrid } from '@compress/core';
import { type Rows, rowLoss } from '@compress/core/conformance';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { describe, expect, test } from 'vitest';
import { bruteForce, nearestPlane, roundHalfEven } from './float64-oracle.ts';
import type { ColumnOrder } from './options.ts';
import { type GptqRequest, quantizeGptq } from './quantize-gptq.ts';

const kernels = createReferenceKernels();
const exact = (bits: number, symmetric = false) => integerGrid({ bits, symmetric, scaleType: 'f32' });

function matrix(rows: Rows): Matrix {
  return { rows: rows.length, columns: rows[0].length, data: Float32Array.from(rows.flat()) };
}

function rowsOf({ rows, columns, data }: Matrix): Rows {
  return Array.from({ length: rows }, (_, r) => Array.from(data.subarray(r * columns, (r + 1) * columns)));
}

/** Weights, and the gram of activations that share a strong common part. */
function layer(rows: number, columns: number, seed: number): { weight: Matrix; gram: Matrix } {
  const { normal } = randomStream('gptq', rows, columns, seed);
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

async function run(request: Omit<GptqRequest, 'kernels'>) {
  const result = await quantizeGptq({ ...request, kernels });
  const values = rowsOf(await dequantizeWeight(result.quantized, kernels));
  return { ...result, values, codes: Array.from(result.quantized.codes) };
}

/** The gram with what damping adds to its diagonal. */
function damped(gram: Matrix, damping = 0.01): number[][] {
  const rows = rowsOf(gram).map((row) => [...row]);
  const mean = rows.reduce((sum, row, i) => sum + row[i], 0) / rows.length;
  for (const [i, row] of rows.entries()) row[i] += damping * mean;
  return rows;
}

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
  const request = { weight, gram, grid: exact(2), groupSize: 'channel' } as const;

  // Losses are those of the damped Hessian: what damping adds, 0.46 |w - q|^2, is added to the loss that is returned.
  test.each([
    ['none', [1, 3, 1, 2, 0, 3, 1, 1], 4.1624 + 5.073866667],
    ['act-static', [1, 3, 1, 2, 0, 3, 2, 0], 4.1624 + 3.1592],
    ['act', [1, 3, 1, 2, 0, 3, 2, 0], 4.1624 + 3.1592],
  ] as const)('order %s', async (order, codes, dampedLoss) => {
    const result = await run({ ...request, order });
    expect(result.codes).toEqual(codes);
    const distance = rowsOf(weight).flatMap((w, r) => w.map((value, c) => (value - result.values[r][c]) ** 2));
    expect(result.loss + 0.46 * distance.reduce((sum, d) => sum + d, 0)).toBeCloseTo(dampedLoss, 4);
    const rtn = [-0.8, 0.8, -1.6, 0, -2 / 3, 4 / 3, 0, -2 / 3];
    const expected = [0, 1].map((r) => rowLoss(rowsOf(weight)[r], rtn.slice(4 * r, 4 * r + 4), rowsOf(gram)));
    expect(result.rtnLoss).toBeCloseTo(expected[0] + expected[1], 4);
  });

  test('the optimum is what activation order finds', () => {
    const optimum = rowsOf(weight).map((w, r) => {
      const [scale, zero] = [
        [0.8, 2],
        [2 / 3, 1],
      ][r];
      return bruteForce(
        w,
        damped(gram),
        [0, 1, 2, 3].map((code) => (code - zero) * scale),
      );
    });
    expect(optimum[0]).toBeCloseTo(4.1624, 5);
    expect(optimum[1]).toBeCloseTo(3.1592, 5);
  });
});

describe('against nearest plane in f64', () => {
  test.each([
    [3, 24, 8, 'none'],
    [2, 24, 24, 'act-static'],
    [4, 24, 6, 'act-static'],
    [8, 24, 24, 'none'],
  ] as const)('%i bits, %i columns in groups of %i, order %s', async (bits, columns, groupSize, order) => {
    const { weight, gram } = layer(9, columns, bits);
    const { quantized, values } = await run({ weight, gram, grid: exact(bits), groupSize, order });
    const places = Array.from({ length: columns }, (_, c) => c);
    const strength = (c: number) => gram.data[c * columns + c];
    if (order !== 'none') places.sort((a, b) => strength(b) - strength(a));
    const hessian = damped(gram);
    for (const [r, w] of rowsOf(weight).entries()) {
      const expected = nearestPlane(w, hessian, places, (value, c) => {
        const at = r * (columns / groupSize) + Math.floor(c / groupSize);
        const scale = quantized.scales.scales[at];
        const zero = quantized.scales.zeros[at];
        return (Math.min(Math.max(roundHalfEven(value / scale) + zero, 0), 2 ** bits - 1) - zero) * scale;
      });
      for (let c = 0; c < columns; c++) expect(values[r][c]).toBeCloseTo(expected[c], 4);
    }
  });
});

test('never below the optimum, and usually near it', async () => {
  let [found, descended, least, nearest] = [0, 0, 0, 0];
  for (let seed = 0; seed < 12; seed++) {
    const { weight, gram } = layer(4, 5, seed);
    const request = { weight, gram, grid: exact(2), groupSize: 'channel' as const };
    const result = await run(request);
    const swept = await run({ ...request, polish: { sweeps: 4 } });
    const { scales, zeros } = result.quantized.scales;
    const optimum = rowsOf(weight).reduce(
      (sum, w, r) =>
        sum +
        bruteForce(
          w,
          rowsOf(gram),
          [0, 1, 2, 3].map((code) => (code - zeros[r]) * scales[r]),
        ),
      0,
    );
    for (const value of [result.loss, swept.loss, result.rtnLoss]) expect(value).toBeGreaterThan(optimum - 1e-4);
    expect(swept.loss).toBeLessThan(result.loss + 1e-4);
    found += result.loss;
    descended += swept.loss;
    least += optimum;
    nearest += result.rtnLoss;
  }
  expect(found - least).toBeLessThan(0.5 * (nearest - least));
  expect(descended - least).toBeLessThan(0.7 * (found - least));
});

describe('laws', () => {
  const orders: readonly ColumnOrder[] = ['none', 'act', 'act-static'];

  test('losses are tr((W - Q) G (W - Q)^T), on any grid, in any order, with masks', async () => {
    for (const [seed, order] of orders.entries())
      for (const grid of [
        exact(3),
        integerGrid({ bits: 2, scales: 'hessian' }),
        tableGrid({ name: 'x', levels: [-1, -0.2, 0, 0.3, 1] }),
      ])
        for (const sweeps of [0, 2]) {
          const { weight, gram } = layer(6, 32, seed);
          const mask = Uint8Array.from(weight.data, (_, i) => (i % 5 === 2 ? 1 : 0));
          for (const [i, masked] of mask.entries()) if (masked) weight.data[i] = 0;
          const result = await run({ weight, gram, grid, groupSize: 8, order, polish: { sweeps }, mask });
          const expected = rowsOf(weight).reduce((sum, w, r) => sum + rowLoss(w, result.values[r], rowsOf(gram)), 0);
          expect(Math.abs(result.loss - expected)).toBeLessThan(2e-5 * expected);
          for (const [i, masked] of mask.entries()) if (masked) expect(result.values.flat()[i]).toBe(0);
        }
  });

  test('a diagonal gram gives the codes of rounding to nearest', async () => {
    const { weight, gram } = layer(8, 32, 0);
    const diagonal = { ...gram, data: gram.data.map((value, i) => (i % 33 === 0 ? value : 0)) };
    for (const order of ['none', 'act-static'] as const) {
      const grid = exact(3);
      const { codes, loss, rtnLoss } = await run({ weight, gram: diagonal, grid, groupSize: 16, order });
      expect(codes).toEqual(Array.from((await quantizeWeight({ weight, grid, groupSize: 16, kernels })).codes));
      expect(loss).toBeCloseTo(rtnLoss, 4);
    }
  });

  test('the block size changes nothing', async () => {
    const { weight, gram } = layer(8, 48, 1);
    const codes = async (blockSize: number) =>
      (await run({ weight, gram, grid: exact(3), groupSize: 16, blockSize })).codes;
    const expected = await codes(48);
    for (const blockSize of [1, 7, 128]) expect(await codes(blockSize)).toEqual(expected);
  });

  test('rows do not know of each other', async () => {
    const { weight, gram } = layer(5, 32, 2);
    const all = await run({ weight, gram, grid: exact(3), groupSize: 8 });
    for (const [r, row] of rowsOf(weight).entries()) {
      const alone = await run({ weight: matrix([row]), gram, grid: exact(3), groupSize: 8 });
      expect(alone.values[0]).toEqual(all.values[r]);
    }
  });

  test('with activation order, columns may come in any order', async () => {
    const { weight, gram } = layer(5, 32, 3);
    const turned = (rows: Rows) => rows.map((row) => row.toReversed());
    const a = await run({ weight, gram, grid: exact(3), groupSize: 'channel' });
    const b = await run({
      weight: matrix(turned(rowsOf(weight))),
      gram: matrix(turned(rowsOf(gram)).toReversed()),
      grid: exact(3),
      groupSize: 'channel',
    });
    expect(turned(b.values)).toEqual(a.values);
  });

  test('beats rounding to nearest on the sum over a layer', async () => {
    for (let seed = 0; seed < 6; seed++)
      for (const order of orders) {
        const { weight, gram } = layer(24, 32, seed);
        const { loss, rtnLoss } = await run({ weight, gram, grid: exact(3), groupSize: 16, order });
        expect(loss).toBeLessThan(0.8 * rtnLoss);
      }
  });

  test('no sweep of coordinate descent raises the loss', async () => {
    const { weight, gram } = layer(16, 32, 4);
    let before = Number.POSITIVE_INFINITY;
    for (let sweeps = 0; sweeps < 5; sweeps++) {
      const { loss } = await run({ weight, gram, grid: exact(2), groupSize: 16, polish: { sweeps } });
      expect(loss).toBeLessThanOrEqual(before * (1 + 1e-6));
      before = loss;
    }
  });

  test('the expected loss without clipping is s^2 / 12 of sum 1 / U_ii^2', async () => {
    const ROWS = 20_000;
    const { gram } = layer(1, 16, 5);
    const { uniform } = randomStream('expected loss');
    // One long row sets the range, so that no other is ever clipped.
    const weight = matrix(
      Array.from({ length: ROWS }, (_, r) => Array.from({ length: 16 }, () => (r === 0 ? 9 : 1) * (2 * uniform() - 1))),
    );
    const hessian = matrix(damped(gram, 1e-3));
    const result = await run({
      weight,
      gram: hessian,
      grid: exact(7, true),
      groupSize: 'tensor',
      order: 'none',
      damping: 0,
    });
    const { factor } = await factorizeGram({ gram: hessian, strongestFirst: false, damping: 0, kernels });
    const scale = result.quantized.scales.scales[0];
    let [gptq, rtn] = [0, 0];
    for (let c = 0; c < 16; c++) {
      gptq += factor.data[c * 17] ** -2;
      rtn += hessian.data[c * 17];
    }
    const unit = (ROWS * scale ** 2) / 12;
    expect(result.loss / (unit * gptq)).toBeCloseTo(1, 1);
    expect(result.rtnLoss / (unit * rtn)).toBeCloseTo(1, 1);
  });
});

test('scales: hessian weighs each column by the diagonal of the gram', async () => {
  const { weight, gram } = layer(20, 12, 9);
  const grid = integerGrid({ bits: 2, symmetric: false, scales: 'hessian' });
  const importance = Float32Array.from({ length: 12 }, (_, c) => gram.data[c * 13]);
  const expected = await quantizeWeight({ weight, grid, groupSize: 6, importance, kernels });
  const { quantized } = await run({ weight, gram, grid, groupSize: 6 });
  expect(quantized.scales.scales).toEqual(expected.scales.scales);
  expect(quantized.scales.zeros).toEqual(expected.scales.zeros);
});

describe('columns', () => {
  test('a dead one changes no other code and goes to the nearest itself', async () => {
    const { weight, gram } = layer(6, 16, 6);
    const at = 5;
    const widen = (rows: Rows, value: number) => rows.map((row) => row.toSpliced(at, 0, value));
    const zeros = new Array(17).fill(0);
    const wide = await run({
      weight: matrix(widen(rowsOf(weight), 0.4)),
      gram: matrix(widen(rowsOf(gram), 0).toSpliced(at, 0, zeros)),
      grid: exact(4),
      groupSize: 'channel',
    });
    const narrow = await run({ weight, gram, grid: exact(4), groupSize: 'channel' });
    expect(wide.values.map((row) => row.toSpliced(at, 1))).toEqual(narrow.values);
    expect(wide.loss).toBeCloseTo(narrow.loss, 4);
    for (const [r, row] of wide.values.entries())
      expect(Math.abs(row[at] - 0.4)).toBeLessThan(wide.quantized.scales.scales[r] / 1.999);
    expect(wide.warnings).toEqual([
      { code: 'dead-columns', message: expect.stringMatching(/^1 of 17 input channels/) },
    ]);
  });

  test('of two with the same input, the second absorbs the error of the first', async () => {
    const { normal } = randomStream('twins');
    const gram = matrix([0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j || i + j === 1 ? 4 : 0))));
    const weight = matrix(Array.from({ length: 50 }, () => [normal(), normal(), 8, -8]));
    const { values, quantized } = await run({
      weight,
      gram,
      grid: exact(5),
      groupSize: 'channel',
      order: 'none',
      damping: 1e-5,
    });
    for (const [r, [a, b]] of rowsOf(weight).entries())
      expect(Math.abs(a + b - values[r][0] - values[r][1])).toBeLessThan(0.501 * quantized.scales.scales[r]);
  });

  test('groups in activation order carry their index', async () => {
    const { weight, gram } = layer(4, 16, 7);
    const { quantized } = await run({ weight, gram, grid: exact(3), groupSize: 4, order: 'act' });
    const { permutation } = await factorizeGram({ gram, strongestFirst: true, damping: 0.01, kernels });
    for (const [place, column] of permutation.entries())
      expect(quantized.scales.group[column]).toBe(Math.floor(place / 4));
  });
});

test('a gram that is not finite is refused', async () => {
  const gram = { rows: 2, columns: 2, data: Float32Array.of(1, 0, Number.NaN, 1) };
  await expect(run({ weight: matrix([[1, 2]]), gram, groupSize: 2, layer: 'q' })).rejects.toThrow(
    /^q: The gram is NaN at row 1/,
  );
});

test('a grid without zero refuses a mask', async () => {
  const { weight, gram } = layer(2, 4, 0);
  const grid = tableGrid({ name: 'halves', levels: [-1, 1] });
  await expect(run({ weight, gram, grid, groupSize: 4, mask: new Uint8Array(8) })).rejects.toThrow(/no level 0/);
});

test('a ten-line script needs no kernels', async () => {
  const { weight, gram } = layer(4, 16, 8);
  const { quantized, loss, rtnLoss } = await quantizeGptq({ weight, gram, grid: 'int4', groupSize: 8 });
  expect(quantized.codes.length).toBe(64);
  expect(loss).toBeLessThan(rtnLoss);
});
