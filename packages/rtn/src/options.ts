import { activationOptions, budgetOptions, type NamedGrids } from '@compress/core';
import { z } from 'zod';

/** What a recipe may say under `rtn`. `named` are grids that it may name beside the integer ones. */
export function rtnOptions(named: NamedGrids = {}) {
  const { shape, resolve } = budgetOptions(named);
  return z
    .strictObject({
      ...shape,
      activations: z
        .union([z.literal('none'), activationOptions])
        .prefault('none')
        .describe('How the inputs of all treated Linears are rounded in the forward pass; none: they stay floats.'),
    })
    .transform(({ scales, ...options }, context) => ({ ...options, ...resolve({ ...options, scales }, context) }));
}

/** The options of a recipe after parsing. */
export type RtnOptions = z.output<ReturnType<typeof rtnOptions>>;
