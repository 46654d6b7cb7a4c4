import fc from 'fast-check';
import type { CodeGrid, GroupScales } from '../code-grid.ts';
import type { randomNumbers } from './random.ts';

/** Integer grids of every size, and tables of up to 40 levels. */
export const anyGrid: fc.Arbitrary<CodeGrid> = fc.oneof(
  fc.integer({ min: 1, max: 8 }).map((bits): CodeGrid => ({ kind: 'integer', maxCode: 2 ** bits - 1 })),
  fc
    .uniqueArray(
      fc.float({ min: -8, max: 8, noNaN: true }).map((x) => x + 0),
      { minLength: 2, maxLength: 40 },
    )
    .map((levels): CodeGrid => ({ kind: 'table', levels: Float32Array.from(levels).sort() })),
);

/** Room for the scales of a weight whose columns belong to `groups` groups, in runs or strewn. */
export function strewnScales(
  random: ReturnType<typeof randomNumbers>,
  rows: number,
  columns: number,
  groups: number,
): GroupScales {
  const strewn = random.integer(2) === 1;
  const size = Math.ceil(columns / groups);
  return {
    groups,
    scales: random.floats(rows * groups).map((x) => Math.abs(x) + 0.01),
    zeros: new Float32Array(rows * groups),
    group: Uint32Array.from({ length: columns }, (_, c) => (strewn ? random.integer(groups) : Math.floor(c / size))),
  };
}
