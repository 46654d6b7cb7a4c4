import { type Grid, type GroupSize, integerGrid, type LinearSpec, type SectionContext } from '@compress/core';
import type { AwqOptions } from './options.ts';

/** The grid and the groups of the published method, where neither the options nor a quantizer that follows say any. */
const PUBLISHED = { grid: integerGrid({ bits: 4, symmetric: false }), groupSize: 128 };

/** The rounding that scales and clips of a Linear are searched for. */
export function roundingOf(
  linear: LinearSpec,
  { quantization }: Pick<SectionContext, 'quantization'>,
  options: AwqOptions,
): { readonly grid: Grid; readonly groupSize: GroupSize } {
  const { grid, groupSize } = quantization?.(linear) ?? PUBLISHED;
  return { grid: options.grid ?? grid, groupSize: options.groupSize ?? groupSize };
}
