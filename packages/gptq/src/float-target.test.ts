import { factorizeGram, integerGrid, randomStream } from '@compress/core';
import { solve } from '@compress/core/conformance';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { floatTarget } from './float-target.ts';
import { quantizeGptq } from './quantize-gptq.ts';

const kernels = createReferenceKernels();
const [ROWS, COLUMNS, TOKENS] = [5, 12, 40];
const { normal } = randomStream('float target');
const draw = (rows: number, columns: number) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => normal()));
const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  columns: rows[0].length,
  data: Float32Array.from(rows.flat()),
});
/** The mean over tokens of a^T b. */
const mean = (a: number[][], b: number[][]) =>
  a[0].map((_, i) => b[0].map((_, j) => a.reduce((sum, row, t) => sum + row[i] * b[t][j], 0) / a.length));

// What the Linear will see is what the float model has, mixed and moved.
const float = draw(TOKENS, COLUMNS);
const seen = float.map((x) => x.map((value, c) => 0.9 * value + 0.3 * x[(c + 1) % COLUMNS] + 0.1 * normal()));
const apart = float.map((x, t) => x.map((value, c) => value - seen[t][c]));
const weights = draw(ROWS, COLUMNS);
const [weight, gram, crossGram] = [matrix(weights), matrix(mean(seen, seen)), matrix(mean(apart, seen))];

test('solves the least squares of what the float model makes, by the normal equations in f64', async () => {
  for (const damping of [0, 0.01])
    for (const strongestFirst of [true, false]) {
      const factorization = await factorizeGram({ gram, strongestFirst, damping, kernels });
      const target = await floatTarget({ weight, crossGram, factorization, kernels });
      const added = (damping * gram.data.reduce((sum, g, i) => sum + (i % (COLUMNS + 1) === 0 ? g : 0), 0)) / COLUMNS;
      const hessian = mean(seen, seen).map((row, i) => row.map((g, j) => g + (i === j ? added : 0)));
      const pull = mean(apart, seen);
      for (const [r, w] of weights.entries()) {
        const right = pull[0].map((_, j) => w.reduce((sum, value, i) => sum + value * pull[i][j], 0));
        const expected = solve(hessian, right).map((shift, c) => w[c] + shift);
        for (let c = 0; c < COLUMNS; c++) expect(target.data[r * COLUMNS + c]).toBeCloseTo(expected[c], 3);
      }
    }
});

test('where both see the same it is GPTQ, bit for bit', async () => {
  const request = { weight, gram, grid: integerGrid({ bits: 3 }), groupSize: 4, kernels };
  const zeros = { ...crossGram, data: new Float32Array(COLUMNS * COLUMNS) };
  const own = await quantizeGptq(request);
  expect(await quantizeGptq({ ...request, crossGram: zeros })).toEqual(own);
});

test('brings outputs nearer to those of the float model', async () => {
  const request = { weight, gram, grid: integerGrid({ bits: 4 }), groupSize: 4, kernels };
  const distance = async (targets: { crossGram?: Matrix }) => {
    const { quantized } = await quantizeGptq({ ...request, ...targets });
    const { scales, group } = quantized.scales;
    let sum = 0;
    for (const [t, x] of float.entries())
      for (let r = 0; r < ROWS; r++) {
        let error = 0;
        for (let c = 0; c < COLUMNS; c++) {
          const value = (quantized.codes[r * COLUMNS + c] - 8) * scales[r * 3 + group[c]];
          error += weights[r][c] * x[c] - value * seen[t][c];
        }
        sum += error ** 2;
      }
    return sum;
  };
  expect(await distance({ crossGram })).toBeLessThan(0.7 * (await distance({})));
});
