/** sum_i a[aStart + i] b[bStart + i], in f64. */
export function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let i = 0;
  // Two sums in flight, because one addition waits for the other.
  for (; i + 1 < length; i += 2) {
    s0 += a[aStart + i] * b[bStart + i];
    s1 += a[aStart + i + 1] * b[bStart + i + 1];
  }
  return i < length ? s0 + s1 + a[aStart + i] * b[bStart + i] : s0 + s1;
}
