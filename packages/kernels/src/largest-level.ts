import type { CodeGrid } from './code-grid.ts';

/** The largest magnitude among all levels; 0 of an integer grid. */
export function largestLevel(grid: CodeGrid): number {
  if (grid.kind === 'integer') return 0;
  const levels = grid.kind === 'table' ? grid.levels : grid.levels.data;
  return levels.reduce((most, level) => Math.max(most, Math.abs(level)), 0);
}
