import { checkNorm } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** Zhang and Sennrich, 2019: input / sqrt(mean(input^2) + epsilon) * gain, by rows. */
export function rmsNorm(p: ParametersOf<'rmsNorm'>): void {
  checkNorm(p);
  const { input, gain, epsilon, output } = p;
  const n = input.columns;
  for (let r = 0; r < input.rows; r++) {
    let sum = 0;
    for (let c = 0; c < n; c++) sum += input.data[r * n + c] ** 2;
    const inverse = 1 / Math.sqrt(sum / n + epsilon);
    for (let c = 0; c < n; c++)
      output.data[r * n + c] = input.data[r * n + c] * inverse * (p.unitOffset ? gain[c] + 1 : gain[c]);
  }
}

/** Ba et al., 2016: (input - mean) / sqrt(variance + epsilon) * gain + bias, by rows, with the variance of the whole row (1 / n). */
export function layerNorm(p: ParametersOf<'layerNorm'>): void {
  checkNorm(p);
  const { input, gain, bias, epsilon, output } = p;
  const n = input.columns;
  for (let r = 0; r < input.rows; r++) {
    let sum = 0;
    for (let c = 0; c < n; c++) sum += input.data[r * n + c];
    const mean = sum / n;
    let squares = 0;
    for (let c = 0; c < n; c++) squares += (input.data[r * n + c] - mean) ** 2;
    const inverse = 1 / Math.sqrt(squares / n + epsilon);
    for (let c = 0; c < n; c++)
      output.data[r * n + c] = (input.data[r * n + c] - mean) * inverse * gain[c] + (bias ? bias[c] : 0);
  }
}
