import type { CodeGrid, GroupScales } from '../code-grid.ts';
import type { Instance } from './instance.ts';
import { type Lanes, stageLanes } from './lanes.ts';
import { levelCount, tableLanes } from './tables.ts';

/** The addresses of staged scales: `scales` and `zeros` are [groups][lanes], `group` is u32 by column. */
export interface LaneScales {
  readonly scales: number;
  readonly zeros: number;
  readonly group: number;
}

export function stageScales(instance: Instance, from: GroupScales, window: Lanes): LaneScales {
  const { groups } = from;
  const rows = from.scales.length / Math.max(1, groups);
  const scales = instance.take(groups * window.lanes * 4);
  const zeros = instance.take(groups * window.lanes * 4);
  const group = instance.take(from.group.length * 4);
  stageLanes(instance, { rows, columns: groups, data: from.scales }, window, 0, groups, scales);
  stageLanes(instance, { rows, columns: groups, data: from.zeros }, window, 0, groups, zeros);
  instance.write(group, from.group);
  return { scales, zeros, group };
}

/** The grid of a window of lanes, staged: {@link setGrid} makes it that of one strip. */
export interface LaneGrid {
  readonly kind: 0 | 1 | 2;
  readonly maxCode: number;
  readonly levels: number;
  readonly thresholds: number;
  readonly count: number;
  readonly stride: number;
  readonly ownTables: boolean;
}

const NO_TABLES = { levels: 0, thresholds: 0, count: 0, stride: 0, ownTables: false };

export function stageGrid(instance: Instance, grid: CodeGrid | undefined, window: Lanes): LaneGrid {
  if (!grid) return { kind: 0, maxCode: 0, ...NO_TABLES };
  if (grid.kind === 'integer') return { kind: 1, maxCode: grid.maxCode, ...NO_TABLES };
  const ownTables = grid.kind === 'tables';
  const lanes = ownTables ? window.lanes : VECTOR;
  const tables = tableLanes(grid, window.row, window.rows, lanes);
  const [levels, thresholds] = [tables.levels, tables.thresholds].map((table) => {
    const address = instance.take(table.byteLength);
    instance.write(address, table);
    return address;
  });
  return { kind: 2, maxCode: 0, levels, thresholds, count: levelCount(grid), stride: lanes * 4, ownTables };
}

/** Lanes of one vector. */
const VECTOR = 4;

/** Sets the grid of the strip that begins at `lane`. */
export function setGrid(instance: Instance, grid: LaneGrid, lane: number): void {
  const at = grid.ownTables ? lane * 4 : 0;
  const { kind, maxCode, levels, thresholds, count, stride, ownTables } = grid;
  instance.wasm.setGrid(kind, maxCode, levels + at, thresholds + at, count, stride, ownTables);
}
