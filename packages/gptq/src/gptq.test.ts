import { tableGrid } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { createGptq, gptq } from './index.ts';

const grids = { ternary: tableGrid({ name: 'ternary', levels: [-1, 0, 1] }) };

for (const { name, run } of conformance({
  algorithm: createGptq(grids),
  options: [
    {},
    { grid: { bits: 3, symmetric: false, scales: 'hessian' }, groupSize: 32 },
    { grid: 'int3', groupSize: 16, order: 'act' },
    { grid: 'int2-asym', groupSize: 'channel', order: 'none', polish: { sweeps: 2 }, blockSize: 48 },
    { budget: { bitsPerWeight: 4.2, choices: ['int2', 'int3', { bits: 5 }] }, scales: 'hessian', groupSize: 32 },
    { grid: 'ternary', groupSize: 'tensor', activations: { grid: 'int4', per: 'tensor' } },
  ],
  createKernels: (threads) => createKernels({ threads }),
}))
  test(name, run);

const makeKernels = (threads: number) => createKernels({ threads });
for (const { name, run } of conformance({
  algorithm: gptq,
  options: [{ grid: 'int3', groupSize: 32, targets: 'float' }],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
}))
  test(`in a walk: ${name}`, run);

test('the plan hears of groups that will not follow the columns', () => {
  const linear = { name: 'q', weight: 'q.weight', outFeatures: 8, inFeatures: 128, transposed: false };
  const reordered = (recipe: unknown) => gptq.quantization!(linear, gptq.options.parse(recipe))!.reordered;
  expect(reordered({ groupSize: 32 })).toBe(false);
  expect(reordered({ groupSize: 32, order: 'act' })).toBe(true);
  expect(reordered({ groupSize: 'channel', order: 'act' })).toBe(false);
  expect(gptq.check?.({ ...linear, inFeatures: 576 }, gptq.options.parse({}))?.message).toContain('64, 96, 192');
});
