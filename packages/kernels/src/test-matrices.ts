import type { Matrix } from './matrix.ts';

/** Matrices for tests: values of -1..1 from a seeded generator (mulberry32). */
export function generator(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
  return (rows: number, columns: number): Matrix => ({
    rows,
    columns,
    data: Float32Array.from({ length: rows * columns }, next),
  });
}

/** input^T input / rows + 0.01 on the diagonal, in f64 and then f32: what a damped Hessian looks like. */
export function hessianOf(input: Matrix): Matrix {
  const { rows, columns: size, data } = input;
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

export const copyOf = (matrix: Matrix): Matrix => ({ ...matrix, data: matrix.data.slice() });
