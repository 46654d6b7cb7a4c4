import type { Kernels, Matrix } from '@compress/kernels';

/** Tokens that are multiplied at a time: bounds the transposed copy. */
const TILE = 512;

/** Sums (x - x~)^T x~ over tokens, x the float model's activation and x~ the one that is observed. */
export function createCrossGram(features: number, kernels: Kernels) {
  const output = kernels.matrix(features, features);
  const transposed = kernels.matrix(features, TILE);
  return {
    /** Both `[tokens, features]`; row t of one and the other are the same token. */
    async add(observed: Matrix, float: Matrix): Promise<void> {
      for (let first = 0; first < observed.rows; first += TILE) {
        const rows = Math.min(TILE, observed.rows - first);
        const part = observed.data.subarray(first * features, (first + rows) * features);
        const wanted = float.data.subarray(first * features, (first + rows) * features);
        const left = { rows: features, columns: rows, data: transposed.data.subarray(0, features * rows) };
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < features; c++)
            left.data[c * rows + r] = wanted[r * features + c] - part[r * features + c];
        const right = { rows, columns: features, data: part };
        await kernels.multiply({ left, right, output, accumulate: true });
      }
    },
    finish(tokens: number): Matrix {
      for (let i = 0; i < output.data.length; i++) output.data[i] /= Math.max(tokens, 1);
      return output;
    },
  };
}
