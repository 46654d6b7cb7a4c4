import { checkDequantize, checkQuantize } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { GroupScales } from '../code-grid.ts';
import type { Instance } from '../wasm/instance.ts';
import { rowTables, tableLanes, tableOf } from '../wasm/tables.ts';
import { ELEMENT_WORK, forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.quantize} */
export const quantize: Operation<ParametersOf<'quantize'>> = {
  check: checkQuantize,
  units: ({ weight }) => (weight.columns === 0 ? 0 : weight.rows),
  work: ({ codes }) => codes.length * ELEMENT_WORK,
  writes: ({ codes }) => [codes],
  run(instance, { weight, grid, scales, codes }, from, to) {
    const n = weight.columns;
    const { groups } = scales;
    const maxCode = grid.kind === 'integer' ? grid.maxCode : 0;
    const tables = rowTables(grid, from, to, 1, (own, row) => tableLanes(own, row, 1, VECTOR).thresholds);
    const staged = stage(instance, tables.values);
    const windows = takeWindows(instance, scales, windowUnits(to - from, n * 4), n);
    forEachWindow(from, to, n * 4, (first, rows) => {
      windows.writeScales(first, rows);
      instance.write(windows.values, weight.data.subarray(first * n, (first + rows) * n));
      instance.wasm.quantizeRows(
        windows.values,
        rows,
        n,
        windows.runs,
        windows.runCount,
        windows.scales,
        windows.zeros,
        groups,
        maxCode,
        staged + (first - from) * tables.bytes,
        tables.count,
        tables.bytes,
        windows.codes,
      );
      instance.read(windows.codes, codes.subarray(first * n, (first + rows) * n));
    });
  },
};

/** {@link Kernels.dequantize} */
export const dequantize: Operation<ParametersOf<'dequantize'>> = {
  check: checkDequantize,
  units: ({ output }) => (output.columns === 0 ? 0 : output.rows),
  work: ({ codes }) => codes.length * ELEMENT_WORK,
  writes: ({ output }) => [output.data],
  run(instance, { codes, grid, scales, output }, from, to) {
    const n = output.columns;
    const { groups } = scales;
    const tables = rowTables(grid, from, to, 1, (own, row) => everyLevel(tableOf(own, row).levels));
    const staged = stage(instance, tables.values);
    const windows = takeWindows(instance, scales, windowUnits(to - from, n * 4), n);
    forEachWindow(from, to, n * 4, (first, rows) => {
      windows.writeScales(first, rows);
      instance.write(windows.codes, codes.subarray(first * n, (first + rows) * n));
      instance.wasm.dequantizeRows(
        windows.codes,
        rows,
        n,
        windows.runs,
        windows.runCount,
        windows.scales,
        windows.zeros,
        groups,
        staged + (first - from) * tables.bytes,
        tables.count,
        tables.bytes,
        windows.values,
      );
      instance.read(windows.values, output.data.subarray(first * n, (first + rows) * n));
    });
  },
};

/** Kernels load a bound as a vector. */
const VECTOR = 4;

/** A value for each of the 256 bytes: what is no code is NaN. */
function everyLevel(levels: Float32Array): Float32Array {
  const values = new Float32Array(256).fill(Number.NaN);
  values.set(levels);
  return values;
}

function takeWindows(instance: Instance, { scales, zeros, groups, group }: GroupScales, rows: number, columns: number) {
  const runs = groupRuns(group);
  const scaleWindow = takeWindow(instance, rows * groups, 4);
  const zeroWindow = takeWindow(instance, rows * groups, 4);
  return {
    values: takeWindow(instance, rows * columns, 4),
    codes: takeWindow(instance, rows * columns, 1),
    runs: stage(instance, runs),
    runCount: runs.length / 3,
    scales: scaleWindow,
    zeros: zeroWindow,
    writeScales(first: number, count: number) {
      instance.write(scaleWindow, scales.subarray(first * groups, (first + count) * groups));
      instance.write(zeroWindow, zeros.subarray(first * groups, (first + count) * groups));
    },
  };
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
