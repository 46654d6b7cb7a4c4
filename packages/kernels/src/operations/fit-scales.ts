import { checkFitScales } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { GroupScales } from '../code-grid.ts';
import type { ScaleFit } from '../kernels.ts';
import { largestLevel } from '../largest-level.ts';
import { searchFactors } from '../search-factors.ts';
import type { Instance } from '../wasm/instance.ts';
import { rowTables, tableLanes } from '../wasm/tables.ts';
import { forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** Rows that one vector holds: see `assembly/scale-search.ts`. */
const LANES = 4;

const SCALE_TYPES = { f32: 0, f16: 1, bf16: 2, e4m3: 3, e8m0: 4 };

/** {@link Kernels.fitScales} */
export const fitScales: Operation<ParametersOf<'fitScales'>> = {
  check: checkFitScales,
  units: ({ weight, scales }) => (scales.groups === 0 ? 0 : weight.rows),
  granule: () => LANES,
  work: ({ weight, fit }) => weight.data.length * (20 + 40 * fit.steps),
  writes: ({ scales }) => [scales.scales, scales.zeros],
  run(instance, { weight, fit, scales }, from, to) {
    const n = weight.columns;
    const { groups } = scales;
    const { order, starts } = groupOrder(scales);
    const importance = Float32Array.from(order, (column) => fit.importance?.[column] ?? 1);
    const setTables = configure(instance, fit, from, to);
    const addresses = [starts, order, importance].map((array) => stage(instance, array));
    const scratch = takeWindow(instance, n * LANES, 4);
    const rowBytes = Math.max(n, groups) * 4;
    const most = windowUnits(to - from, rowBytes, LANES);
    const values = takeWindow(instance, most * n, 4);
    const scaleWindow = takeWindow(instance, most * groups, 4);
    const zeroWindow = takeWindow(instance, most * groups, 4);
    const visit = (first: number, rows: number) => {
      instance.write(values, weight.data.subarray(first * n, (first + rows) * n));
      setTables(first);
      instance.wasm.fitRows(
        values,
        rows,
        n,
        groups,
        addresses[0],
        addresses[1],
        addresses[2],
        scratch,
        scaleWindow,
        zeroWindow,
      );
      instance.read(scaleWindow, scales.scales.subarray(first * groups, (first + rows) * groups));
      instance.read(zeroWindow, scales.zeros.subarray(first * groups, (first + rows) * groups));
    };
    forEachWindow(from, to, rowBytes, visit, LANES);
  },
};

/** Sets what is fitted; returns how to set the tables of the rows from `first` on. */
function configure(
  instance: Instance,
  { grid, symmetric, steps, scaleType, scaleUnit = 1, reach }: ScaleFit,
  from: number,
  to: number,
): (first: number) => void {
  instance.wasm.setSearch(stage(instance, searchFactors(steps)), steps, SCALE_TYPES[scaleType], scaleUnit);
  if (grid.kind === 'integer') {
    instance.wasm.setInteger(grid.maxCode, symmetric);
    return () => {};
  }
  const ownTables = grid.kind === 'tables';
  const [levels, thresholds] = (['levels', 'thresholds'] as const).map((which) => {
    const { values, count, bytes } = rowTables(
      grid,
      from,
      to,
      LANES,
      (own, first) => tableLanes(own, first, Math.min(LANES, to - first), LANES)[which],
    );
    return { address: stage(instance, values), count, bytes };
  });
  const range = reach ?? largestLevel(grid);
  return (first) => {
    const at = ((first - from) / LANES) * levels.bytes;
    instance.wasm.setTable(levels.address + at, thresholds.address + at, levels.count, range, ownTables);
  };
}

/** The columns of group 0, then those of group 1, ...: group g has `order[starts[g]]` to before `order[starts[g + 1]]`. */
function groupOrder({ group, groups }: GroupScales): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(groups + 1);
  for (const g of group) starts[g + 1]++;
  for (let g = 0; g < groups; g++) starts[g + 1] += starts[g];
  const next = starts.slice();
  const order = new Uint32Array(group.length);
  for (let c = 0; c < group.length; c++) order[next[group[c]]++] = c;
  return { order, starts };
}
