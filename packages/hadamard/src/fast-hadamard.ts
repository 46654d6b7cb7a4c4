import { CompressError, hadamardCore } from '@compress/core';

/**
 * x becomes H x in f64, in place, for each run of `order` neighbouring elements, H = (core (x) Sylvester) / sqrt(order): the matrix of
 * `Kernels.hadamard`. Throws `CompressError` `rotation-unknown` for an order that has no construction.
 */
export function fastHadamard(values: Float64Array, order: number): void {
  const core = hadamardCore(order);
  if (!core) throw new CompressError('rotation-unknown', `There is no Hadamard matrix of order ${order} here.`);
  const inner = order / core.rows;
  const scale = 1 / Math.sqrt(order);
  const before = new Float64Array(order);
  for (let start = 0; start < values.length; start += order) {
    const run = values.subarray(start, start + order);
    for (let half = 1; half < inner; half *= 2) butterflies(run, half);
    if (core.rows === 1) for (let i = 0; i < order; i++) run[i] *= scale;
    else {
      before.set(run);
      for (let i = 0; i < core.rows; i++) {
        const sums = run.subarray(i * inner, (i + 1) * inner).fill(0);
        for (let k = 0; k < core.rows; k++) {
          const sign = core.data[i * core.rows + k] * scale;
          for (let c = 0, from = k * inner; c < inner; c++, from++) sums[c] += sign * before[from];
        }
      }
    }
  }
}

/** Sums and differences of elements `half` apart, within runs of twice that; a core's parts are whole runs. */
function butterflies(values: Float64Array, half: number): void {
  for (let start = 0; start < values.length; start += 2 * half)
    for (let i = start; i < start + half; i++) {
      const [a, b] = [values[i], values[i + half]];
      values[i] = a + b;
      values[i + half] = a - b;
    }
}
