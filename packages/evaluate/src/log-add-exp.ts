/** log(e^a + e^b); -Infinity is the logarithm of nothing, and NaN stays NaN. */
export function logAddExp(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY) return b;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
