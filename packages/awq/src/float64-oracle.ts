import type { Matrix } from '@compress/kernels';

/** The plain way, in f64 and on the activations themselves: what tests compare with. Scales are not rounded to f16. */

/** Asymmetric integers by groups of a row, ranges holding 0, scaled columns divided back. */
export function roundedTo(weight: Matrix, bits: number, groupSize: number, scale?: ArrayLike<number>): Float64Array {
  const most = 2 ** bits - 1;
  const scaled = Float64Array.from(weight.data, (value, i) => value * (scale?.[i % weight.columns] ?? 1));
  const rounded = new Float64Array(scaled.length);
  for (let start = 0; start < scaled.length; start += groupSize) {
    const group = scaled.subarray(start, start + groupSize);
    const [low, high] = [Math.min(0, ...group), Math.max(0, ...group)];
    const step = (high - low) / most || 1;
    const zero = Math.round(-low / step);
    for (const [i, value] of group.entries())
      rounded[start + i] = step * (Math.min(Math.max(Math.round(value / step) + zero, 0), most) - zero);
  }
  return rounded.map((value, i) => value / (scale?.[i % weight.columns] ?? 1));
}

/** The mean over tokens of the squared difference of two weights' outputs, by rows. */
export function outputErrors(weight: Matrix, other: Float64Array, activations: Matrix): Float64Array {
  const { rows, columns } = weight;
  const errors = new Float64Array(rows);
  for (let r = 0; r < rows; r++)
    for (let t = 0; t < activations.rows; t++) {
      let difference = 0;
      for (let c = 0; c < columns; c++)
        difference += (weight.data[r * columns + c] - other[r * columns + c]) * activations.data[t * columns + c];
      errors[r] += difference ** 2 / activations.rows;
    }
  return errors;
}

/** The mean of x^T x, and the mean of |x|. */
export function statisticsOf({ rows, columns, data }: Matrix): { gram: Matrix; absmean: Float64Array } {
  const gram = new Float64Array(columns * columns);
  const absmean = new Float64Array(columns);
  for (let start = 0; start < data.length; start += columns)
    for (let r = 0; r < columns; r++) {
      absmean[r] += Math.abs(data[start + r]) / rows;
      for (let c = 0; c < columns; c++) gram[r * columns + c] += (data[start + r] * data[start + c]) / rows;
    }
  return { gram: { rows: columns, columns, data: Float32Array.from(gram) }, absmean };
}
