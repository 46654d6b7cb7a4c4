import { checkScaleColumns } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** output = input with column c multiplied by factors[c]. */
export function scaleColumns(p: ParametersOf<'scaleColumns'>): void {
  checkScaleColumns(p);
  const { input, factors, output } = p;
  for (let i = 0; i < input.data.length; i++) output.data[i] = input.data[i] * factors[i % input.columns];
}
