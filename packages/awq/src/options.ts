import { gridChoiceSchema, type NamedGrids, roundingOptions } from '@compress/core';
import { z } from 'zod';

/** What a recipe may say under `awq`. `named` are grids that it may name beside the integer ones. */
export function awqOptions(named: NamedGrids = {}) {
  const { shape, gridOf } = roundingOptions(named);
  return z
    .strictObject({
      ...shape,
      grid: gridChoiceSchema(named)
        .prefault('int4-asym')
        .describe('The grid of the quantizer that follows: scales and clips are searched for it.'),
      scale: z.boolean().default(true).describe('Search scales of channels and move them into what comes before.'),
      duo: z
        .boolean()
        .default(false)
        .describe("Scales from activations and weights (AutoAWQ's duo scaling), not from activations alone."),
      ratios: z
        .int()
        .min(1)
        .max(100)
        .default(20)
        .describe('Trials of the search: exponents 0, 1/n, ... of the activations; no scaling is always among them.'),
      clip: z
        .boolean()
        .default(true)
        .describe(
          'Search, for every row and group, a range beyond which weights are cut off; not for queries and keys. For quantizers that take whole ranges, as rtn does.',
        ),
    })
    .transform(({ scales, ...options }, context) => ({ ...options, grid: gridOf({ ...options, scales }, context) }));
}

/** The options of a recipe after parsing. */
export type AwqOptions = z.output<ReturnType<typeof awqOptions>>;
