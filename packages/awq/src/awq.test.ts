import { integerGrid, tableGrid } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { awq, createAwq } from './index.ts';

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
  ],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
}))
  test(name, run);

test('options: the published grid and search', () => {
  const { grid, ...rest } = awq.options.parse({});
  expect(grid).toEqual(integerGrid({ bits: 4, symmetric: false }));
  expect(rest).toEqual({ groupSize: 128, scale: true, duo: false, ratios: 20, clip: true });
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 576, transposed: false };
  expect(awq.check?.(linear, awq.options.parse({}))?.layer).toBe('q');
});
