import { checkLinearInt8 } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** {@link Kernels.linearInt8}: sums of integers, which f64 holds exactly. */
export function linearInt8(p: ParametersOf<'linearInt8'>): void {
  checkLinearInt8(p);
  const { input, weight, bias, output } = p;
  const inner = input.columns;
  for (let t = 0; t < input.rows; t++)
    for (let n = 0; n < weight.rows; n++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += input.codes[t * inner + k] * weight.codes[n * inner + k];
      const scaled = Math.fround(Math.fround(sum) * Math.fround(input.scales[t] * weight.scales[n]));
      output.data[t * weight.rows + n] = scaled + (bias ? bias[n] : 0);
    }
}
