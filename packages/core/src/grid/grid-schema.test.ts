import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CompressError } from '../errors.ts';
import { gridSchema, resolveGrid } from './grid-schema.ts';
import { integerGrid } from './integer-grid.ts';
import { tableGrid } from './table-grid.ts';

const ternary = tableGrid({ name: 'ternary', levels: [-1, 0, 1], scaleType: 'f32' });

describe('forms of a recipe', () => {
  test.each([
    ['int4', integerGrid({ bits: 4 })],
    ['int3-asym', integerGrid({ bits: 3, symmetric: false })],
    [{ bits: 4, symmetric: false, scales: 'mse' }, integerGrid({ bits: 4, symmetric: false, scales: 'mse' })],
    [{ bits: 8 }, integerGrid({ bits: 8 })],
    [{ name: 'int2-asym', scales: 'hessian' }, integerGrid({ bits: 2, symmetric: false, scales: 'hessian' })],
    [{ bits: 5, scales: 'percentile' }, integerGrid({ bits: 5, scales: 'percentile', percentile: 99.9 })],
    [
      { levels: [-1, 0, 1], scaleType: 'f32' },
      { ...ternary, name: 'levels' },
    ],
    ['ternary', ternary],
    [
      { name: 'ternary', scales: 'mse' },
      { ...ternary, scales: 'mse' },
    ],
  ] as const)('%j', (choice, grid) => {
    expect(gridSchema({ ternary }).parse(choice)).toEqual(grid);
    expect(resolveGrid(choice, { ternary })).toEqual(grid);
  });

  test('a grid is returned as it is', () => {
    expect(resolveGrid(ternary)).toBe(ternary);
  });
});

describe('mistakes', () => {
  test.each([
    ['int9', /one of int2, int2-asym, .* not "int9"/],
    [4, /not 4/],
    [null, /not null/],
    [{ bits: 9 }, /<=8/],
    [{ bits: 4, simetric: true }, /"simetric"/],
    [{}, /exactly one of/],
    [{ bits: 4, name: 'int4' }, /exactly one of/],
    [{ levels: [0, 1], symmetric: true }, /"symmetric" belongs/],
    [{ levels: [0, 0] }, /ascend/],
    [{ bits: 4, percentile: 99 }, /needs "scales: percentile"/],
    [{ bits: 4, scales: 'percentile', percentile: 12 }, /50/],
  ])('%j', (choice, message) => {
    const result = gridSchema().safeParse(choice);
    expect(result.success).toBe(false);
    expect(result.error?.issues[0].message).toMatch(message);
    expect(() => resolveGrid(choice as never)).toThrow(CompressError);
  });

  test('of code that makes grids', () => {
    expect(() => integerGrid({ bits: 1 })).toThrow(/2 to 8 bits/);
    expect(() => integerGrid({ bits: 4, scales: 'percentile', percentile: 50 })).toThrow(/percentile/);
    expect(() => tableGrid({ name: 'x', levels: [1] })).toThrow(/2 to 256 levels/);
    expect(() => tableGrid({ name: 'x', levels: [0, Number.NaN] })).toThrow(/Level 1/);
    // 1 and 1 + 1e-9 are one f32.
    expect(() => tableGrid({ name: 'x', levels: [1, 1 + 1e-9] })).toThrow(/ascend/);
  });
});

test('the JSON schema lists names and keys for editors', () => {
  const schema = z.toJSONSchema(gridSchema({ ternary }), { io: 'input' });
  const [name, object] = schema.anyOf as [{ enum: string[] }, { properties: object; additionalProperties: boolean }];
  expect(name.enum).toContain('int4-asym');
  expect(name.enum).toContain('ternary');
  expect(Object.keys(object.properties)).toEqual([
    'bits',
    'symmetric',
    'levels',
    'name',
    'scales',
    'percentile',
    'scaleType',
    'nested',
  ]);
  expect(object.additionalProperties).toBe(false);
});

test.each([
  [[-1, 0, 1], 2],
  [[-1, 1], 1],
  [Array.from({ length: 16 }, (_, i) => i), 4],
  [Array.from({ length: 17 }, (_, i) => i), 5],
])('a table of levels %j has %i bits', (levels, bits) => {
  expect(tableGrid({ name: 'x', levels }).bits).toBe(bits);
});
