import type { CodeGrid, GroupScales } from '../code-grid.ts';
import type { Instance } from './instance.ts';
import { rowTables, tableLanes, tableOf } from './tables.ts';
import { stage, takeWindow } from './windows.ts';

/** Kernels load a bound as a vector. */
const VECTOR = 4;

/** Windows in which some rows of a weight become codes, and codes values. */
export interface CodeWindows {
  readonly columns: number;
  readonly values: number;
  readonly codes: number;
  /** Sets the scales of rows [first, first + count). */
  writeScales(from: GroupScales, first: number, count: number): void;
  /** The codes of the values of so many rows, from row `first` on. */
  quantize(first: number, rows: number): void;
  /** The way back. */
  dequantize(first: number, rows: number): void;
}

/** Takes windows for at most `rows` of the rows [from, to) at one time. */
export function takeCodeWindows(
  instance: Instance,
  { grid, scales: { groups, group } }: { readonly grid: CodeGrid; readonly scales: GroupScales },
  { from, to, rows }: { readonly from: number; readonly to: number; readonly rows: number },
): CodeWindows {
  const columns = group.length;
  const groupRun = groupRuns(group);
  const runs = stage(instance, groupRun);
  const runCount = groupRun.length / 3;
  const maxCode = grid.kind === 'integer' ? grid.maxCode : 0;
  const [scales, zeros] = [0, 0].map(() => takeWindow(instance, rows * groups, 4));
  const values = takeWindow(instance, rows * columns, 4);
  const codes = takeWindow(instance, rows * columns, 1);
  const tables = (layout: Parameters<typeof rowTables>[4]) => {
    const { values: table, count, bytes } = rowTables(grid, from, to, 1, layout);
    const address = stage(instance, table);
    return { count, bytes, of: (first: number) => address + (first - from) * bytes };
  };
  const bounds = tables((own, row) => tableLanes(own, row, 1, VECTOR).thresholds);
  const levels = tables((own, row) => everyLevel(tableOf(own, row).levels));
  return {
    columns,
    values,
    codes,
    writeScales(source, first, count) {
      instance.write(scales, source.scales.subarray(first * groups, (first + count) * groups));
      instance.write(zeros, source.zeros.subarray(first * groups, (first + count) * groups));
    },
    quantize(first, count) {
      instance.wasm.quantizeRows(
        values,
        count,
        columns,
        runs,
        runCount,
        scales,
        zeros,
        groups,
        maxCode,
        bounds.of(first),
        bounds.count,
        bounds.bytes,
        codes,
      );
    },
    dequantize(first, count) {
      instance.wasm.dequantizeRows(
        codes,
        count,
        columns,
        runs,
        runCount,
        scales,
        zeros,
        groups,
        levels.of(first),
        levels.count,
        levels.bytes,
        values,
      );
    },
  };
}

/** A value for each of the 256 bytes: what is no code is NaN. */
function everyLevel(levels: Float32Array): Float32Array {
  const values = new Float32Array(256).fill(Number.NaN);
  values.set(levels);
  return values;
}

/** [first, end, group] of every run of neighbouring columns of one group. */
function groupRuns(group: Uint32Array): Uint32Array {
  const runs: number[] = [];
  for (let c = 0; c < group.length; c++) {
    if (c > 0 && group[c] === group[c - 1]) runs[runs.length - 2] = c + 1;
    else runs.push(c, c + 1, group[c]);
  }
  return Uint32Array.from(runs);
}
