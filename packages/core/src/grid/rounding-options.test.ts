import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Grid } from './grid.ts';
import type { GridChoice } from './grid-schema.ts';
import { integerGrid } from './integer-grid.ts';
import { roundingOptions } from './rounding-options.ts';
import { tableGrid } from './table-grid.ts';

const halves = tableGrid({ name: 'halves', levels: [-1, -0.5, 0, 0.5, 1] });
const searched = tableGrid({ name: 'searched', levels: [-1, 0, 1], scales: 'mse' });
const { shape, gridOf } = roundingOptions({ halves, searched });
const schema = z
  .strictObject(shape)
  .transform(({ grid, scales, groupSize }, context) => ({ groupSize, grid: gridOf({ grid, scales }, context) }));

test.each<[{ grid?: GridChoice; scales?: string | null }, Grid]>([
  [{}, integerGrid({ bits: 4 })],
  [{ scales: 'hessian' }, integerGrid({ bits: 4, scales: 'hessian' })],
  [{ grid: 'int3-asym', scales: 'mse' }, integerGrid({ bits: 3, symmetric: false, scales: 'mse' })],
  [
    { grid: 'halves', scales: 'hessian' },
    { ...halves, scales: 'hessian' },
  ],
  [{ grid: 'searched' }, searched],
  [{ grid: 'searched', scales: null }, searched],
  [
    { grid: 'searched', scales: 'minmax' },
    { ...searched, scales: 'minmax' },
  ],
  [{ grid: { bits: 2 }, scales: 'hessian' }, integerGrid({ bits: 2, scales: 'hessian' })],
  [{ grid: { bits: 2, scales: 'mse' }, scales: 'mse' }, integerGrid({ bits: 2, scales: 'mse' })],
  [
    { grid: { name: 'halves', percentile: 99 }, scales: 'percentile' },
    { ...halves, scales: 'percentile', percentile: 99 },
  ],
])('%j', (said, grid) => {
  expect(schema.parse(said)).toEqual({ grid, groupSize: 128 });
});

test.each([
  [
    { grid: { bits: 2, scales: 'minmax' }, scales: 'hessian' },
    ['scales'],
    /^is hessian, but the grid itself says minmax/,
  ],
  [{ grid: { bits: 4, percentile: 99 } }, ['grid'], /needs "scales: percentile"/],
  [{ grid: { bits: 4, percentile: 99 }, scales: 'mse' }, ['grid'], /needs "scales: percentile", not mse/],
  [{ scales: 'best' }, ['scales'], /minmax/],
])('%j is a mistake', (said, path, message) => {
  const { error } = schema.safeParse(said);
  expect(error?.issues[0].path).toEqual(path);
  expect(error?.issues[0].message).toMatch(message);
});

test('a step may have another rule for integer grids that do not say theirs', () => {
  const { shape, gridOf } = roundingOptions({ halves }, 'hessian');
  const own = z.strictObject(shape).transform((said, context) => gridOf(said, context).scales);
  const rules = [
    {},
    { grid: 'int3-asym' },
    { grid: { bits: 4 } },
    { grid: { bits: 4, scales: 'minmax' } },
    { scales: 'mse' },
    { grid: 'halves' },
  ].map((said) => own.parse(said));
  expect(rules).toEqual(['hessian', 'hessian', 'hessian', 'minmax', 'mse', halves.scales]);
});
