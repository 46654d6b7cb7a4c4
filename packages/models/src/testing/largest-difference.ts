/** max |left - right|; NaN where either has one. */
export function largestDifference(left: Float32Array, right: Float32Array): number {
  return left.reduce((largest, value, i) => Math.max(largest, Math.abs(value - right[i])), 0);
}
