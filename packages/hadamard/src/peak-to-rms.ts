/** max |w| / sqrt(mean w^2): 1 at best, about 4 to 5 for normal numbers, more where something stands out; 0 for zeros. */
export function peakToRms(values: Float32Array): number {
  let peak = 0;
  let squares = 0;
  for (const value of values) {
    peak = Math.max(peak, Math.abs(value));
    squares += value * value;
  }
  return peak === 0 ? 0 : peak / Math.sqrt(squares / values.length);
}
