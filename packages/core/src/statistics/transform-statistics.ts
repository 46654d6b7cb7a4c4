import type { Kernels, Matrix } from '@compress/kernels';
import type { Statistics } from './statistics.ts';

/**
 * Statistics of x / s (by channel) from those of x: the gram becomes S^-1 G S^-1. `scale` is `[features]`, nonzero. Exact up to rounding to f32.
 */
export function scaleStatistics(statistics: Statistics, scale: Float32Array): Statistics {
  const { tokens, gram, crossGram, squares, absmax, absmean, mean, samples } = statistics;
  const byChannel = (values: Float32Array, divisor: (s: number) => number) =>
    values.map((value, c) => value / divisor(scale[c]));
  const square = (s: number) => s * s;
  return {
    tokens,
    ...(gram && { gram: mapElements(gram, (value, r, c) => value / (scale[r] * scale[c])) }),
    ...(crossGram && { crossGram: mapElements(crossGram, (value, r, c) => value / (scale[r] * scale[c])) }),
    ...(squares && { squares: byChannel(squares, square) }),
    ...(absmax && { absmax: byChannel(absmax, Math.abs) }),
    ...(absmean && { absmean: byChannel(absmean, Math.abs) }),
    ...(mean && { mean: byChannel(mean, (s) => s) }),
    ...(samples && { samples: mapElements(samples, (value, _, c) => value / scale[c]) }),
  };
}

/**
 * Statistics of x Q from those of x: the gram becomes Q^T G Q. `rotation` is `[features, features]`. What cannot be known without the
 * activations is left out: `absmax` and `absmean` always, `squares` where there is no gram.
 */
export async function rotateStatistics(
  statistics: Statistics,
  rotation: Matrix,
  kernels: Kernels,
): Promise<Statistics> {
  const { tokens, gram, crossGram, squares, mean, samples } = statistics;
  const n = rotation.rows;
  const rotateRows = async (left: Matrix): Promise<Matrix> => {
    const output = kernels.matrix(left.rows, n);
    await kernels.multiply({ left, right: rotation, output });
    return output;
  };
  /** (Q^T M^T Q)^T = Q^T M Q */
  const rotateBothSides = async (matrix: Matrix) => {
    const half = transposed(await rotateRows(matrix));
    return transposed(await rotateRows(half));
  };
  const rotated = gram && (await rotateBothSides(gram));
  if (rotated) symmetrizeByMean(rotated);
  return {
    tokens,
    ...(rotated && { gram: rotated }),
    ...(crossGram && { crossGram: await rotateBothSides(crossGram) }),
    ...(rotated && squares && { squares: Float32Array.from({ length: n }, (_, c) => rotated.data[c * n + c]) }),
    ...(mean && { mean: (await rotateRows({ rows: 1, columns: n, data: mean })).data }),
    ...(samples && { samples: await rotateRows(samples) }),
  };
}

function transposed(matrix: Matrix): Matrix {
  return mapElements(matrix, (_, r, c) => matrix.data[c * matrix.columns + r]);
}

function mapElements(
  { rows, columns, data }: Matrix,
  f: (value: number, row: number, column: number) => number,
): Matrix {
  return { rows, columns, data: data.map((value, i) => f(value, Math.floor(i / columns), i % columns)) };
}

/** Two roundings of one number differ in their last bits; algorithms rely on symmetry. */
function symmetrizeByMean({ rows: n, data }: Matrix): void {
  for (let r = 0; r < n; r++)
    for (let c = 0; c < r; c++) {
      const mean = (data[r * n + c] + data[c * n + r]) / 2;
      data[r * n + c] = mean;
      data[c * n + r] = mean;
    }
}
