import { CompressError, tableGrid } from '@compress/core';
import { conformance } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { createRtn, quantizeRtn, rtn } from './index.ts';

const grids = {
  ternary: tableGrid({ name: 'ternary', levels: [-1, 0, 1] }),
  halves: tableGrid({ name: 'halves', levels: [-1, -0.5, 0.5, 1] }),
};

for (const { name, run } of conformance({
  algorithm: createRtn(grids),
  options: [
    {},
    { grid: 'int3-asym', groupSize: 32 },
    { grid: 'int2', scales: 'hessian', groupSize: 'channel' },
    { grid: 'int8', groupSize: 'channel', activations: { grid: 'int8', per: 'tensor' } },
    { grid: { bits: 4, scales: 'percentile' }, groupSize: 'tensor' },
    { grid: 'ternary', groupSize: 16 },
    { budget: { bitsPerWeight: 4, choices: ['ternary', 'int4-asym', 'int8'], weigh: 'loss' }, groupSize: 32 },
    { grid: 'halves', groupSize: 64 },
  ],
  createKernels: (threads) => createKernels({ threads }),
}))
  test(name, run);

test('codes of a worked example', async () => {
  const weight = { rows: 2, columns: 4, data: Float32Array.of(-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4) };
  const { quantized, relativeError } = await quantizeRtn({ weight, grid: 'int2-asym', groupSize: 'channel' });
  expect([...quantized.codes]).toEqual([1, 3, 0, 2, 0, 3, 1, 0]);
  // Q = [-0.8, 0.8, -1.6, 0; -2/3, 4/3, 0, -2/3], to the precision of the stored scales.
  const error = 4 * 0.09 - 2 * 0.04 + 0.0 + 2 * (1 / 15) ** 2 + 0.04 + (4 / 15) ** 2;
  const norm = 0.25 + 1.21 + 1.69 + 0.01 + 0.36 + 1.96 + 0.04 + 0.16;
  expect(relativeError).toBeCloseTo(Math.sqrt(error / norm), 3);
});

test('a group size that does not divide is an objection of the plan and an error of the function', async () => {
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 576, transposed: false };
  const objection = rtn.check?.(linear, rtn.options.parse({ groupSize: 128 }));
  expect(objection).toEqual({ layer: 'q', message: expect.stringContaining('(64, 96, 192)') });
  const weight = { rows: 1, columns: 6, data: new Float32Array(6) };
  await expect(quantizeRtn({ weight, groupSize: 4 })).rejects.toThrow(CompressError);
});

test('bits per weight are those of codes and scales', () => {
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 256, transposed: false };
  const bits = (recipe: unknown) => rtn.bitsPerWeight?.(linear, rtn.options.parse(recipe));
  expect(bits({ grid: { bits: 4, scaleType: 'f16' } })).toBe(4.125);
  expect(bits({ grid: { bits: 4, symmetric: false, scaleType: 'f16' } })).toBe(4.15625);
});
