export type { CodeGrid, GroupScales } from './code-grid.ts';
export type { Kernels, Numerics, Rotary, ScaleFit } from './kernels.ts';
export type { Matrix } from './matrix.ts';
export { createReferenceKernels } from './reference/create-reference-kernels.ts';
