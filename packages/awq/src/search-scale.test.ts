import { integerGrid, randomStream } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { outputErrors, roundedTo, statisticsOf } from './float64-oracle.ts';
import { scaleOfRatio } from './scale-of-ratio.ts';
import { searchScale } from './search-scale.ts';

const kernels = createReferenceKernels();
const grid = integerGrid({ bits: 3, symmetric: false, scaleType: 'f32' });
const COLUMNS = 32;
const GROUP = 16;

/** Few channels are loud, and weights are alike: what AWQ was made for. */
function problem(seed: number, rows: readonly number[], tokens = 60) {
  const { normal, uniform } = randomStream(seed);
  const strengths = Float64Array.from({ length: COLUMNS }, () => 0.1 + 10 * uniform() ** 6);
  const matrix = (count: number, strength: (c: number) => number): Matrix => ({
    rows: count,
    columns: COLUMNS,
    data: Float32Array.from({ length: count * COLUMNS }, (_, i) => strength(i % COLUMNS) * normal()),
  });
  const activations = matrix(tokens, (c) => strengths[c]);
  return { activations, weights: rows.map((count) => matrix(count, () => 0.1)), ...statisticsOf(activations) };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

test.each([1, 2, 3])(
  'seed %i: the best of all ratios by brute force on the activations, never worse than none',
  async (seed) => {
    const { weights, activations, gram, absmean } = problem(seed, [12, 5]);
    const linears = weights.map((weight) => ({ weight, gram }));
    const found = await searchScale({ linears, activation: absmean, grid, groupSize: GROUP, kernels });
    const loss = (scale?: Float64Array) =>
      weights
        .map((weight) => sum(outputErrors(weight, roundedTo(weight, 3, GROUP, scale), activations)))
        .reduce((total, value) => total + value);
    const losses = Array.from({ length: 20 }, (_, i) => loss(scaleOfRatio({ activation: absmean }, i / 20)));
    expect(found.identityLoss / loss()).toBeCloseTo(1, 4);
    expect(found.loss / Math.min(...losses)).toBeCloseTo(1, 4);
    expect(found.ratio).toBe(losses.indexOf(Math.min(...losses)) / 20);
    expect(found.loss).toBeLessThan(0.9 * found.identityLoss);
  },
);

test('channels that share have one scale, and so does the search with weights', async () => {
  const { weights, gram, absmean } = problem(4, [8]);
  const sharing = Uint32Array.from({ length: COLUMNS }, (_, c) => c % 8);
  for (const duo of [false, true]) {
    const linears = [{ weight: weights[0], gram }];
    const found = await searchScale({ linears, activation: absmean, sharing, duo, grid, groupSize: GROUP, kernels });
    expect(found.ratio).toBeDefined();
    expect(found.loss).toBeLessThan(found.identityLoss);
    for (let c = 8; c < COLUMNS; c++) expect(found.scale[c]).toBe(found.scale[c - 8]);
  }
});

test('where nothing is better there is no scale', async () => {
  const { weights, gram } = problem(5, [8]);
  const activation = new Float64Array(COLUMNS).fill(2);
  const found = await searchScale({
    linears: [{ weight: weights[0], gram }],
    activation,
    grid,
    groupSize: GROUP,
    kernels,
  });
  expect(found).toEqual({
    scale: new Float64Array(COLUMNS).fill(1),
    loss: found.identityLoss,
    identityLoss: found.identityLoss,
  });
});

test('a Linear counts for the tokens that it reads', async () => {
  const one = problem(6, [8]);
  const other = problem(7, [8]);
  const search = (tokens: readonly [number, number]) =>
    searchScale({
      linears: [one, other].map(({ weights, gram }, i) => ({ weight: weights[0], gram, tokens: tokens[i] })),
      activation: one.absmean,
      grid,
      groupSize: GROUP,
      kernels,
    });
  const [both, first, second] = [await search([3, 2]), await search([1, 0]), await search([0, 1])];
  expect(both.identityLoss).toBeCloseTo(3 * first.identityLoss + 2 * second.identityLoss, 4);
});

test('where ranges will be clipped, trials are of shrunken ranges', async () => {
  const { weights, gram, absmean } = problem(8, [8]);
  // One weight in each group is far from the others: the whole range is the worst.
  for (let at = 0; at < weights[0].data.length; at += GROUP) weights[0].data[at] *= 20;
  const search = (clipped: boolean, rule: 'minmax' | 'hessian') =>
    searchScale({
      linears: [{ weight: weights[0], gram, clipped }],
      activation: absmean,
      grid: { ...grid, scales: rule },
      groupSize: GROUP,
      kernels,
    });
  const expected = await search(false, 'hessian');
  expect(await search(true, 'minmax')).toEqual(expected);
  expect(expected.loss).toBeLessThan((await search(false, 'minmax')).loss);
});
