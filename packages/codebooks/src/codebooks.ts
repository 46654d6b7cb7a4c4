import type { Grid, NamedGrids } from '@compress/core';
import { abnormalFloat } from './abnormal-float.ts';
import { anyGrid, kMeansGrid } from './learned-levels.ts';
import { lloydMax } from './lloyd-max.ts';
import { mxfp4, mxfp6E2m3, mxfp6E3m2, mxfp8E4m3, mxfp8E5m2, nvfp4 } from './microscaling.ts';
import { normalFloat } from './normal-float.ts';
import { additivePowersOfTwo, powerOfTwo } from './power-of-two.ts';
import {
  fp4,
  fp4Bitsandbytes,
  fp4SuperPrecision,
  fp4SuperRange,
  fp6E2m3,
  fp6E3m2,
  fp8E4m3,
  fp8E5m2,
} from './small-floats.ts';
import { studentFloat } from './student-float.ts';
import { ternary } from './ternary.ts';

const grids: readonly Grid[] = [
  ...[2, 3, 4].map(normalFloat),
  ...[3, 4].map((bits) => studentFloat(bits)),
  abnormalFloat(4),
  abnormalFloat(4, 'optimal'),
  fp4,
  fp4Bitsandbytes,
  fp4SuperPrecision,
  fp4SuperRange,
  fp6E2m3,
  fp6E3m2,
  fp8E4m3,
  fp8E5m2,
  mxfp4,
  mxfp6E2m3,
  mxfp6E3m2,
  mxfp8E4m3,
  mxfp8E5m2,
  nvfp4,
  ...[2, 3, 4].map(lloydMax),
  ...[2, 3, 4].map(kMeansGrid),
  ...[2, 3, 4].map(anyGrid),
  ternary,
  powerOfTwo(4),
  additivePowersOfTwo,
];

/** Every grid of this package by the name that recipes call it; pass them to the factories of algorithms: `createGptq(codebooks)`. */
export const codebooks: NamedGrids = Object.fromEntries(grids.map((grid) => [grid.name, grid]));
