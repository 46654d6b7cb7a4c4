import type { Matrix } from '../matrix.ts';

/** input^T input / rows + 0.01 on the diagonal, summed in f64: what a damped Hessian looks like. */
export function hessianOf({ rows, columns: size, data }: Matrix): Matrix {
  const output = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < rows; t++) sum += data[t * size + i] * data[t * size + j];
      output[i * size + j] = output[j * size + i] = sum / Math.max(1, rows) + (i === j ? 0.01 : 0);
    }
  }
  return { rows: size, columns: size, data: output };
}
