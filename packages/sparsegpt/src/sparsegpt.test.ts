import { integerGrid, tableGrid } from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { createSparseGpt, sparsegpt } from './index.ts';

const grids = { ternary: tableGrid({ name: 'ternary', levels: [-1, 0, 1] }) };

const makeKernels = (threads: number) => createKernels({ threads });

const conform = conformance({
  algorithm: createSparseGpt(grids),
  options: [
    {},
    { pattern: '2:4', blockSize: 30 },
    { sparsity: 0.7, polish: { sweeps: 0 }, layers: [{ match: 'linear1$', pattern: '1:4' }] },
    { sparsity: 0.4, grid: { bits: 3, symmetric: false, scales: 'hessian' }, groupSize: 32 },
    { pattern: '4:8', grid: 'ternary', groupSize: 'channel', polish: { sweeps: 1 } },
    { criterion: 'magnitude', pattern: '2:4' },
  ],
  createKernels: makeKernels,
});
const surveyed = conformance({
  algorithm: sparsegpt,
  options: [{ criterion: 'wanda', allocation: 'owl', sparsity: 0.6 }],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
});

for (const { name, run } of [...conform, ...surveyed.filter(({ name }) => name.startsWith('{'))]) test(name, run);

const linear = { name: 'blocks.0.q', weight: 'q.weight', outFeatures: 8, inFeatures: 64, transposed: false };

test('a grid makes it a quantizer', () => {
  const alone = sparsegpt.options.parse({});
  expect(sparsegpt.stageFor?.(alone)).toBe('prune');
  expect(sparsegpt.bitsPerWeight?.(linear, alone)).toBeUndefined();
  expect(sparsegpt.quantization?.(linear, alone)).toBeUndefined();
  const joint = sparsegpt.options.parse({ grid: 'int4', groupSize: 32 });
  expect(sparsegpt.stageFor?.(joint)).toBe('quantize');
  expect(sparsegpt.bitsPerWeight?.(linear, joint)).toBe(4.5);
  expect(sparsegpt.quantization?.(linear, joint)).toEqual({
    grid: integerGrid({ bits: 4 }),
    groupSize: 32,
    scaleRows: 1,
  });
});

test('what a recipe may not say', () => {
  const complaint = (recipe: unknown) => sparsegpt.options.safeParse(recipe).error?.issues[0]?.message;
  expect(complaint({ sparsity: 0.5, pattern: '2:4' })).toMatch(/exclude each other/);
  expect(complaint({ pattern: '4:2' })).toMatch(/n smaller than m/);
  expect(complaint({ pattern: 'half' })).toMatch(/n:m/);
  expect(complaint({ sparsity: 1.5 })).toBeDefined();
  expect(complaint({ criterion: 'wanda', grid: 'int4' })).toMatch(/next step/);
  expect(complaint({ layers: [{ match: '(', sparsity: 0.2 }] })).toMatch(/regular expression/);
  expect(complaint({ allocation: 'owl', pattern: '2:4' })).toMatch(/nothing to allocate/);
  expect(complaint({ allocation: 'owl', criterion: 'magnitude' })).toMatch(/wanda or sparsegpt/);
  expect(complaint({ layers: [{ match: 'q' }] })).toMatch(/needs a sparsity or a pattern/);
});

test('the plan objects to columns that a pattern does not divide, and to rules that match nothing', () => {
  const odd = { ...linear, inFeatures: 66 };
  const options = (recipe: unknown) => sparsegpt.options.parse(recipe);
  expect(sparsegpt.check?.(odd, options({ pattern: '2:4' }))).toEqual({
    layer: 'blocks.0.q',
    message: expect.stringMatching(/^66 input columns/),
  });
  const layers = [{ match: '\\.q$', sparsity: 0.3 }];
  expect(sparsegpt.check?.(odd, options({ pattern: '2:4', layers }))).toBeUndefined();
  expect(sparsegpt.checkTogether?.([linear], options({ layers }))).toEqual([]);
  expect(sparsegpt.checkTogether?.([linear], options({ layers: [{ match: 'k_proj', sparsity: 0 }] }))).toEqual([
    expect.stringContaining('"k_proj"'),
  ]);
});
