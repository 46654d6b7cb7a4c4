export type { CodeGrid, GroupScales } from './code-grid.ts';
export { createKernels, type KernelOptions } from './create-kernels.ts';
export type { Int8Rows } from './int8-rows.ts';
export type { AgedEntries, Kernels, Numerics, Rotary, ScaleFit, ScaleType } from './kernels.ts';
export { largestLevel } from './largest-level.ts';
export type { Matrix } from './matrix.ts';
export { createReferenceKernels } from './reference/create-reference-kernels.ts';
export { decodeHalf, encodeHalf, type HalfType } from './reference/half-floats.ts';
