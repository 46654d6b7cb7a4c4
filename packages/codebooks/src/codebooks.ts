import type { Grid, NamedGrids } from '@compress/core';
import { abnormalFloat } from './abnormal-float.ts';
import { lloydMax } from './lloyd-max.ts';
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
  ...[32, 64, 128].flatMap((size) => [abnormalFloat(4, size), abnormalFloat(4, size, 'optimal')]),
  fp4,
  fp4Bitsandbytes,
  fp4SuperPrecision,
  fp4SuperRange,
  fp6E2m3,
  fp6E3m2,
  fp8E4m3,
  fp8E5m2,
  ...[2, 3, 4].map(lloydMax),
  ternary,
  powerOfTwo(4),
  additivePowersOfTwo,
];

/** Every grid of this package by the name that recipes call it; pass them to the factories of algorithms: `createGptq(codebooks)`. */
export const codebooks: NamedGrids = Object.fromEntries(grids.map((grid) => [grid.name, grid]));
