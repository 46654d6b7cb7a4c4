import type { CodeGrid } from '../code-grid.ts';
import { levelThresholds } from '../level-thresholds.ts';

/** A grid of levels: one table for all rows, or one for each. */
export type LevelGrid = Exclude<CodeGrid, { kind: 'integer' }>;

export function levelCount(grid: LevelGrid): number {
  return grid.kind === 'table' ? grid.levels.length : grid.levels.columns;
}

/** The levels that row `row` is rounded to, and the bounds between them. */
export function tableOf(grid: LevelGrid, row: number): { levels: Float32Array; thresholds: Float32Array } {
  const count = levelCount(grid);
  const levels = grid.kind === 'table' ? grid.levels : grid.levels.data.subarray(row * count, (row + 1) * count);
  return { levels, thresholds: levelThresholds(levels) };
}

/**
 * Levels and bounds as vectors, one beside the other: lane l of a vector is of row first + l, or where all rows share a table, of that. Rows past the
 * last repeat it. Both have one vector for each level; there is no bound behind the last.
 */
export function tableLanes(grid: LevelGrid, first: number, rows: number, lanes: number) {
  const count = levelCount(grid);
  const levels = new Float32Array(count * lanes);
  const thresholds = new Float32Array(count * lanes);
  let table = tableOf(grid, first);
  for (let lane = 0; lane < lanes; lane++) {
    if (grid.kind === 'tables' && lane > 0 && lane < rows) table = tableOf(grid, first + lane);
    for (let i = 0; i < count; i++) {
      levels[i * lanes + lane] = table.levels[i];
      if (i > 0) thresholds[(i - 1) * lanes + lane] = table.thresholds[i - 1];
    }
  }
  return { levels, thresholds };
}

/**
 * The tables of rows [from, to), `rows` of them at a time laid out by `layout`, one behind the other; where all rows share a table, only
 * that, and `bytes` from one to the next is 0. Nothing for an integer grid.
 */
export function rowTables(
  grid: CodeGrid,
  from: number,
  to: number,
  rows: number,
  layout: (grid: LevelGrid, first: number) => Float32Array,
): { readonly values: Float32Array; readonly count: number; readonly bytes: number } {
  if (grid.kind === 'integer') return { values: new Float32Array(0), count: 0, bytes: 0 };
  const count = levelCount(grid);
  if (grid.kind === 'table') return { values: layout(grid, 0), count, bytes: 0 };
  const tables = Array.from({ length: Math.ceil((to - from) / rows) }, (_, i) => layout(grid, from + i * rows));
  const size = tables[0]?.length ?? 0;
  const values = new Float32Array(tables.length * size);
  for (const [i, table] of tables.entries()) values.set(table, i * size);
  return { values, count, bytes: size * 4 };
}
