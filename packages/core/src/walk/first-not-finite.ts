/** Index of the first NaN or infinity, or -1. A plain loop: it runs over every weight of a model, where a callback would cost seconds. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
