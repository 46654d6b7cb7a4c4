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

/** The grid with tables of each row's own: those of a table, stretched. Integer grids are left alone. */
export function withOwnTables(grid: CodeGrid, rows: number, random: ReturnType<typeof randomNumbers>): CodeGrid {
  if (grid.kind !== 'table') return grid;
  const data = new Float32Array(rows * grid.levels.length);
  for (let r = 0; r < rows; r++) {
    const factor = 2 ** random.integer(5);
    data.set(
      grid.levels.map((level) => level * factor),
      r * grid.levels.length,
    );
  }
  return { kind: 'tables', levels: { rows, columns: grid.levels.length, data } };
}

/** The values that codes of `row` may have. */
export function valuesOf(grid: CodeGrid, row: number, scale: number, zero: number): number[] {
  if (grid.kind === 'integer')
    return Array.from({ length: grid.maxCode + 1 }, (_, code) => Math.fround((code - zero) * scale));
  const { levels } = grid;
  const own =
    levels instanceof Float32Array ? levels : levels.data.subarray(row * levels.columns, (row + 1) * levels.columns);
  return Array.from(own, (level) => Math.fround(level * scale));
}
