import { checkRoundingError } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Matrix } from '../matrix.ts';
import { dequantize, quantize } from './quantize.ts';
import { weightedError } from './weighted-error.ts';

/** tr((A - Q / s) H (A - Q / s)^T) by rows and parts, in f64. */
export function roundingError(p: ParametersOf<'roundingError'>): Float64Array {
  checkRoundingError(p);
  const { weight, rounded, divisors, grid, scales, stored, hessian, parts = 1 } = p;
  const { rows, columns } = weight;
  const codes = new Uint8Array(rows * columns);
  quantize({ weight: rounded, grid, scales, codes });
  const values = { rows, columns, data: new Float32Array(rows * columns) };
  dequantize({ codes, grid, scales: stored, output: values });
  if (divisors) for (const [i, value] of values.data.entries()) values.data[i] = value / divisors[i % columns];
  const size = columns / parts;
  const errors = new Float64Array(rows * parts);
  for (let part = 0; part < parts; part++) {
    const ofPart = (matrix: Matrix) => columnsOf(matrix, part * size, size);
    const strip = { rows: size, columns, data: hessian.data.subarray(part * size * columns) };
    const square = columnsOf(strip, part * size, size);
    const byRow = weightedError({ left: ofPart(weight), right: ofPart(values), hessian: square });
    for (let r = 0; r < rows; r++) errors[r * parts + part] = byRow[r];
  }
  return errors;
}

function columnsOf({ rows, columns, data }: Matrix, first: number, count: number): Matrix {
  const part = new Float32Array(rows * count);
  for (let i = 0; i < part.length; i++) part[i] = data[Math.floor(i / count) * columns + first + (i % count)];
  return { rows, columns: count, data: part };
}
