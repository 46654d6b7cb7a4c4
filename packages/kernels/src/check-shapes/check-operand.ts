import type { Int8Rows } from '../int8-rows.ts';
import type { Matrix } from '../matrix.ts';

/** Throws `RangeError`, as all checks of operands: it names the operand, what it is and what it must be. */
export function checkMatrix(name: string, matrix: Matrix, rows = matrix.rows, columns = matrix.columns): void {
  if (matrix.rows !== rows || matrix.columns !== columns)
    throw new RangeError(`${name} is [${matrix.rows}, ${matrix.columns}] but must be [${rows}, ${columns}]`);
  checkLength(`${name}.data`, matrix.data, rows * columns);
}

export function checkLength(name: string, array: ArrayLike<number> | undefined, length: number): void {
  if (array !== undefined && array.length !== length)
    throw new RangeError(`${name} has ${array.length} elements but must have ${length}`);
}

export function checkInteger(name: string, value: number, low: number, high = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${name} is ${value} but must be an integer of ${low}..${high}`);
}

export function checkSquare(name: string, matrix: Matrix): void {
  checkMatrix(name, matrix, matrix.rows, matrix.rows);
}

export function checkInt8(name: string, matrix: Int8Rows, rows: number, columns: number): void {
  if (matrix.rows !== rows || matrix.columns !== columns)
    throw new RangeError(`${name} is [${matrix.rows}, ${matrix.columns}] but must be [${rows}, ${columns}]`);
  checkLength(`${name}.codes`, matrix.codes, rows * columns);
  checkLength(`${name}.scales`, matrix.scales, rows);
}
