import { gridChoiceSchema, groupSizeSchema, type NamedGrids, roundingOptions } from '@compress/core';
import { z } from 'zod';

/** What a recipe may say under `awq`. `named` are grids that it may name beside the integer ones. */
export function awqOptions(named: NamedGrids = {}) {
  const { shape, gridOf } = roundingOptions(named);
  return z
    .strictObject({
      grid: gridChoiceSchema(named)
        .nullable()
        .prefault(null)
        .describe(
          'The grid that scales and clips are searched for. Empty: that of the quantizer that follows; int4-asym where none does.',
        ),
      scales: shape.scales,
      groupSize: groupSizeSchema
        .nullable()
        .default(null)
        .describe('The group size, likewise. Empty: that of the quantizer that follows; 128 where none does.'),
      scale: z.boolean().default(true).describe('Search scales of channels and move them into what comes before.'),
      objective: z
        .enum(['module', 'gram'])
        .default('module')
        .describe(
          'What a scale between a norm and its readers must change least: as published, what the whole attention or feed-forward makes, on some 2048 of the tokens, which are run again for each trial; or the outputs of these Linears alone, over all calibration tokens, from their gram, which takes two thirds of the time.',
        ),
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
    .transform(({ grid, scales, ...options }, context) => {
      if (grid !== null) return { ...options, grid: gridOf({ grid, scales }, context) };
      if (scales !== null)
        context.addIssue({
          code: 'custom',
          path: ['scales'],
          message: 'needs a grid: without one both are those of the quantizer that follows.',
        });
      return { ...options, grid: null };
    });
}

/** The options of a recipe after parsing. */
export type AwqOptions = z.output<ReturnType<typeof awqOptions>>;
