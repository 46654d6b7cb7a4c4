import { integerGrid, tableGrid } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { awq, createAwq } from './index.ts';
import { roundingOf } from './rounding-of.ts';

const makeKernels = (threads: number) => createKernels({ threads });
const grids = { halves: tableGrid({ name: 'halves', levels: [-1, -0.5, 0.5, 1] }) };

for (const { name, run } of conformance({
  algorithm: createAwq(grids),
  options: [
    {},
    { grid: 'int3', groupSize: 32, duo: true, ratios: 3 },
    { grid: { bits: 3, scales: 'hessian' }, groupSize: 'channel', ratios: 3 },
    { grid: 'halves', groupSize: 'tensor', ratios: 3 },
    { clip: false, ratios: 3 },
    { scale: false, groupSize: 64 },
    { objective: 'gram' },
    { objective: 'gram', clip: false, ratios: 3 },
    { objective: 'module', duo: true, grid: 'int3', ratios: 3 },
  ],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
}))
  test(name, run);

test('options: the published grid and search', () => {
  expect(awq.options.parse({})).toEqual({
    grid: null,
    groupSize: null,
    scale: true,
    objective: 'module',
    duo: false,
    ratios: 20,
    clip: true,
  });
  expect(awq.options.safeParse({ scales: 'hessian' }).error?.issues[0].message).toMatch(/needs a grid/);
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 576, transposed: false };
  expect(awq.check?.(linear, awq.options.parse({}))).toBeUndefined();
  expect(awq.check?.(linear, awq.options.parse({ groupSize: 128 }))?.layer).toBe('q');
});

test('searches for its own grid, else for that of the quantizer that follows, else for the published one', () => {
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 64, transposed: false };
  const published = integerGrid({ bits: 4, symmetric: false });
  const two = integerGrid({ bits: 2 });
  const quantization = () => ({ grid: two, groupSize: 32 });
  expect(roundingOf(linear, {}, awq.options.parse({}))).toEqual({ grid: published, groupSize: 128 });
  expect(roundingOf(linear, { quantization }, awq.options.parse({}))).toEqual({ grid: two, groupSize: 32 });
  const own = awq.options.parse({ grid: 'int3', scales: 'mse', groupSize: 'channel' });
  const three = integerGrid({ bits: 3, scales: 'mse' });
  expect(roundingOf(linear, { quantization }, own)).toEqual({ grid: three, groupSize: 'channel' });
  expect(awq.prepares!(own)).toEqual({ grid: three, groupSize: 'channel' });
  expect(awq.prepares!(awq.options.parse({}))).toEqual({});
});
