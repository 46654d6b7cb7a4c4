import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { spec } from '../conformance/site-fixture.ts';
import { integerGrid } from '../grid/integer-grid.ts';
import { packedBitsPerWeight } from '../grid/packed-bits.ts';
import type { SectionSpec } from '../model/model.ts';
import { budgetObjections } from './budget-options.ts';
import { budgetSurvey, gridFor } from './budget-survey.ts';

const choices = [2, 4, 8].map((bits) => integerGrid({ bits }));
const [two, four, eight] = choices;
const groupSize = 32;
const linears = [spec('a', 8, 64), spec('b', 8, 64), spec('c', 16, 64)];
const section: SectionSpec = {
  name: 'blocks.0',
  kind: 'block',
  tensors: [],
  links: [],
  sites: [{ name: 'in', features: 64, linears }],
};
const kernels = createReferenceKernels();
const gram = { rows: 64, columns: 64, data: new Float32Array(64 * 64) };
for (let c = 0; c < 64; c++) gram.data[c * 65] = 2;

async function grids(weigh: 'sensitivity' | 'loss', sensitivities: Record<string, number>, bitsPerWeight: number) {
  const budget = { bitsPerWeight, choices, weigh };
  const measured: string[][] = [];
  const survey = budgetSurvey(budget, async (all, { tokens }, offered) => {
    measured.push(all.map((linear) => linear.spec.name));
    expect(tokens).toBe(7);
    return all.map(() => offered.map(({ bits }) => 4 ** -bits));
  });
  const site = {
    statistics: { tokens: 7, gram },
    linears: linears.map((one) => ({
      spec: one,
      weight: { rows: one.outFeatures, columns: 64, data: new Float32Array(one.outFeatures * 64).fill(0.5) },
    })),
  };
  const figures = await survey.section([site], kernels);
  expect(measured).toEqual([['a', 'b', 'c']]);
  const surveyed = [{ section, figures, ...(survey.sensitivities && { sensitivities }) }];
  return linears.map(({ name }) => gridFor(name, { survey: surveyed }, { grid: two, groupSize, budget }));
}

test('what moves the outputs most gets the bits', async () => {
  // With scales: 2.5, 4.5 and 8.5 bits; c has as many weights as a and b together, and its outputs twice the energy.
  expect(await grids('sensitivity', { a: 1, b: 100, c: 1 }, 4)).toEqual([two, eight, two]);
  expect(await grids('sensitivity', { a: 2, b: 1, c: 100 }, 4)).toEqual([four, two, four]);
  expect(await grids('sensitivity', { a: 1, b: 1, c: 1 }, 8.5)).toEqual([eight, eight, eight]);
  expect(await grids('loss', {}, 3.5)).toEqual([four, four, two]);
});

test('no more bits than the budget', async () => {
  for (const bitsPerWeight of [2.5, 3, 4, 5, 6.4]) {
    const chosen = await grids('sensitivity', { a: 3, b: 2, c: 1 }, bitsPerWeight);
    const weights = linears.map(({ outFeatures, inFeatures }) => outFeatures * inFeatures);
    const bits = linears.reduce(
      (sum, linear, i) => sum + packedBitsPerWeight(linear, chosen[i], groupSize) * weights[i],
      0,
    );
    expect(bits / weights.reduce((a, b) => a + b)).toBeLessThanOrEqual(bitsPerWeight);
  }
});

test('a budget below the smallest choice is an objection, and without one the grid of the options counts', () => {
  const budget = { bitsPerWeight: 2.4, choices, weigh: 'loss' as const };
  expect(budgetObjections('rtn', linears, { budget, groupSize })).toEqual([
    expect.stringMatching(/^rtn: a budget of 2\.4 bits .* takes 2\.500/),
  ]);
  expect(budgetObjections('rtn', linears, { budget: { ...budget, bitsPerWeight: 2.5 }, groupSize })).toEqual([]);
  expect(gridFor('a', {}, { grid: four, groupSize, budget: 'none' })).toBe(four);
  expect(() => gridFor('a', {}, { grid: four, groupSize, budget })).toThrow(/needs a survey/);
});
