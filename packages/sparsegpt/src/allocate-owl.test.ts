import type { SectionSpec } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { allocateOwl, outlierSurvey } from './allocate-owl.ts';

const section = (name: string): SectionSpec => ({ name, kind: 'block', tensors: [], sites: [], links: [] });
const surveyed = (name: string, weights: number, outliers: number) => ({
  section: section(name),
  figures: { weights, outliers },
});

test('outliers are counted over all Linears of a section', async () => {
  const linear = (data: number[], columns: number) => ({
    spec: { name: 'q', weight: 'q', outFeatures: data.length / columns, inFeatures: columns, transposed: false },
    weight: { rows: data.length / columns, columns, data: Float32Array.from(data) },
  });
  const sites = [
    { linears: [linear([1, -1, 0, 1, 1, 30], 2)], statistics: { tokens: 1, squares: Float32Array.of(1, 4) } },
    { linears: [linear([1, 1, 1, 1], 4)], statistics: { tokens: 1, squares: Float32Array.of(1, 1, 1, 9) } },
  ];
  const figures = await outlierSurvey.section(sites, createReferenceKernels());
  // |w| |x|: 1 2 0 2 1 60, and 1 1 1 3: the mean is 7.2, and 60 alone is more than five times that.
  expect(figures).toEqual({ weights: 10, outliers: 0.1 });
});

test('the paper, on sections of equal size: twice lambda apart, the mean kept', () => {
  const shares = allocateOwl([surveyed('a', 8, 0.01), surveyed('b', 8, 0.03), surveyed('c', 8, 0.02)], 0.5);
  for (const [i, share] of [0.58, 0.42, 0.5].entries()) expect(shares[i]).toBeCloseTo(share, 12);
});

test('all weights together are pruned to the sparsity', () => {
  const survey = [surveyed('a', 100, 0.04), surveyed('b', 700, 0.03), surveyed('c', 20, 0.001)];
  const shares = allocateOwl(survey, 0.6);
  const pruned = shares.reduce((sum, share, i) => sum + share * survey[i].figures.weights, 0);
  expect(pruned / 820).toBeCloseTo(0.6, 12);
  expect(allocateOwl([surveyed('a', 8, 0.2), surveyed('b', 8, 0.2)], 0.3)).toEqual([0.3, 0.3]);
  for (const share of allocateOwl(survey, 0.99)) expect(share).toBeLessThanOrEqual(1);
});
