import { checkAdd } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** target += source * factor. */
export function add(p: ParametersOf<'add'>): void {
  checkAdd(p);
  const { source, target, factor = 1 } = p;
  for (let i = 0; i < source.data.length; i++) target.data[i] += source.data[i] * factor;
}
