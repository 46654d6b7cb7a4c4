/**
 * How much an error of each number counts: its importance times sqrt(s^2 + x^2), s^2 the mean square of the block (llama.cpp weighs so: large
 * weights deserve more than their share).
 */
export function errorWeights(
  x: Float32Array,
  importance: Float32Array,
  meanSquare: number = meanSquareOf(x),
): Float64Array {
  const weights = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) weights[i] = importance[i] * Math.sqrt(meanSquare + x[i] * x[i]);
  return weights;
}

/** An error counts by the square of the number. */
export function squareWeights(x: Float32Array): Float64Array {
  const weights = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) weights[i] = x[i] * x[i];
  return weights;
}

/** The mean of the squares. */
export function meanSquareOf(x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return sum / x.length;
}
