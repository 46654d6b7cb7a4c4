import type { CodeGrid, GroupScales } from '../code-grid.ts';
import { levelThresholds } from '../level-thresholds.ts';
import type { Instance } from './instance.ts';
import { type Lanes, stageLanes } from './lanes.ts';

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

/** Sets the grid of the sweeps and descents that follow on this instance. */
export function setGrid(instance: Instance, grid: CodeGrid | undefined): void {
  if (!grid) instance.wasm.setGrid(0, 0, 0, 0, 0);
  else if (grid.kind === 'integer') instance.wasm.setGrid(1, grid.maxCode, 0, 0, 0);
  else {
    const thresholds = levelThresholds(grid.levels);
    const levels = instance.take(grid.levels.byteLength);
    const bounds = instance.take(thresholds.byteLength);
    instance.write(levels, grid.levels);
    instance.write(bounds, thresholds);
    instance.wasm.setGrid(2, 0, levels, bounds, grid.levels.length);
  }
}
