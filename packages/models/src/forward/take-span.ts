import type { Span } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';

/**
 * The `count` parts of `size` columns that `span` picks from the outputs of a site, side by side: `[tokens, count * size]`. Where they are
 * all of one output already, that output itself.
 */
export function takeSpan(
  span: Span,
  count: number,
  size: number,
  outputs: readonly Matrix[],
  kernels: Kernels,
): Matrix {
  const source = outputs[span.linear];
  if (source.columns === count * size) return source;
  const taken = kernels.matrix(source.rows, count * size);
  for (let row = 0; row < source.rows; row++)
    for (let part = 0; part < count; part++) {
      const from = row * source.columns + span.first + part * span.stride;
      taken.data.set(source.data.subarray(from, from + size), row * taken.columns + part * size);
    }
  return taken;
}
