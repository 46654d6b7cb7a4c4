import type { CodeGrid } from '../code-grid.ts';
import { levelThresholds } from '../level-thresholds.ts';

/** A grid with the two maps of {@link CodeGrid}, in its exact f32 arithmetic. */
export interface GridRounding {
  code(weight: number, scale: number, zero: number): number;
  value(code: number, scale: number, zero: number): number;
}

/** `row`: whose table it is, where every row has its own. */
export function gridRounding(grid: CodeGrid, row: number): GridRounding {
  if (grid.kind === 'integer') {
    const { maxCode } = grid;
    return {
      code: (weight, scale, zero) =>
        Math.min(Math.max(Math.fround(roundHalfEven(Math.fround(weight / scale)) + zero), 0), maxCode),
      value: (code, scale, zero) => Math.fround((code - zero) * scale),
    };
  }
  const levels = levelsOfRow(grid, row);
  const thresholds = levelThresholds(levels);
  return {
    code(weight, scale) {
      const x = Math.fround(weight / scale);
      let code = 0;
      while (code < thresholds.length && x > thresholds[code]) code++;
      return code;
    },
    value: (code, scale) => Math.fround(levels[code] * scale),
  };
}

function levelsOfRow(grid: Exclude<CodeGrid, { kind: 'integer' }>, row: number): Float32Array {
  if (grid.kind === 'table') return grid.levels;
  const { columns, data } = grid.levels;
  return data.subarray(row * columns, (row + 1) * columns);
}

export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
