import { FLOAT8_E4M3, type Grid, type ScaleType, tableGrid } from '@compress/core';

/** The numbers that the lower three bits of an E2M1 code stand for; the fourth is the sign. */
export const E2M1: readonly number[] = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

/** All finite numbers of the types, ascending, 0 once. */
const E4M3_LEVELS = ascending([...FLOAT8_E4M3].filter(Number.isFinite));
const E2M1_LEVELS = ascending([...E2M1, ...E2M1.map((x) => -x)]);

/** The grid of E4M3 weights. */
export function fp8Grid(scaleType: ScaleType): Grid {
  return tableGrid({ name: 'fp8-e4m3', levels: E4M3_LEVELS, scaleType });
}

/** The grid of E2M1 weights whose scales are E4M3 multiples of one of the whole weight. */
export const NVFP4: Grid = tableGrid({ name: 'nvfp4', levels: E2M1_LEVELS, nested: 'tensor' });

/** The grid of E2M1 weights whose scales are powers of two. */
export const MXFP4: Grid = tableGrid({ name: 'mxfp4', levels: E2M1_LEVELS, scaleType: 'e8m0' });

/** Whether a grid's levels are all finite numbers of E4M3. */
export function isE4m3({ codes }: Grid): boolean {
  return codes.kind === 'table' && isTable(codes.levels, E4M3_LEVELS);
}

/** Whether a grid's levels are all numbers of E2M1. */
export function isE2m1({ codes }: Grid): boolean {
  return codes.kind === 'table' && isTable(codes.levels, E2M1_LEVELS);
}

/** The code of a grid of levels for each byte or nibble that stands for `values`; undefined for what is no level. */
export function codesOf({ codes }: Grid, values: ArrayLike<number>): (number | undefined)[] {
  const levels = codes.kind === 'table' ? codes.levels : new Float32Array();
  return Array.from(values, (value) => {
    const code = levels.indexOf(value);
    return code < 0 ? undefined : code;
  });
}

function ascending(values: readonly number[]): number[] {
  return [...new Set(values.map((x) => x + 0))].sort((a, b) => a - b);
}

function isTable(levels: Float32Array, table: readonly number[]): boolean {
  return levels.length === table.length && levels.every((level, i) => level === table[i]);
}
