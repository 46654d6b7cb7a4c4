import { checkSquare } from '../check-shapes/check-operand.ts';
import { checkGram } from '../check-shapes/check-second-order.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Matrix } from '../matrix.ts';

/** Lower triangle of output[K,K] += input[T,K]^T input[T,K], with sums in f64. */
export function gram(p: ParametersOf<'gram'>): void {
  checkGram(p);
  const { data, rows, columns } = p.input;
  const sums = new Float64Array(columns);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j <= i; j++) sums[j] = p.output.data[i * columns + j];
    for (let t = 0; t < rows; t++) {
      const x = data[t * columns + i];
      for (let j = 0; j <= i; j++) sums[j] += x * data[t * columns + j];
    }
    p.output.data.set(sums.subarray(0, i + 1), i * columns);
  }
}

/** Copies the lower triangle onto the upper one. */
export function symmetrize(matrix: Matrix): void {
  checkSquare('matrix', matrix);
  const { rows: n, data } = matrix;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) data[j * n + i] = data[i * n + j];
}
