import { checkActivate } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { erfc } from './erfc.ts';

/** The activations in f64. SiLU and both GELU: Hendrycks and Gimpel, 2016. At -Infinity the first three are 0, their limit. */
export const activations: Record<ParametersOf<'activate'>['activation'], (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  silu: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : x / (1 + Math.exp(-x))),
  gelu: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : 0.5 * x * erfc(-x * Math.SQRT1_2)),
  'gelu-tanh': (x) => {
    if (x === Number.NEGATIVE_INFINITY) return 0;
    // 0.5 (1 + tanh y) = 1 / (1 + exp(-2 y)), which keeps its digits where tanh y is near -1.
    return x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  },
};

/** output = activation(gate) * up. */
export function activate(p: ParametersOf<'activate'>): void {
  checkActivate(p);
  const { gate, up, output } = p;
  const activation = activations[p.activation];
  for (let i = 0; i < gate.data.length; i++)
    output.data[i] = Math.fround(activation(gate.data[i])) * (up ? up.data[i] : 1);
}
