import { checkLinear } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { dot } from './dot.ts';

/** output[T,N] (+)= input[T,K] weight[N,K]^T (+ bias[N]), with sums in f64. */
export function linear(p: ParametersOf<'linear'>): void {
  checkLinear(p);
  const { input, weight, bias, output } = p;
  const inner = input.columns;
  for (let t = 0; t < input.rows; t++) {
    for (let n = 0; n < weight.rows; n++) {
      const at = t * weight.rows + n;
      const start = (p.accumulate ? output.data[at] : 0) + (bias ? bias[n] : 0);
      output.data[at] = start + dot(input.data, t * inner, weight.data, n * inner, inner);
    }
  }
}
