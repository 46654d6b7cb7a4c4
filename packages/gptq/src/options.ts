import { activationOptions, budgetOptions, type NamedGrids, secondOrderOptions } from '@compress/core';
import { z } from 'zod';

/**
 * The order in which columns are rounded. `none`: as they lie. `act-static`: strongest activations first, groups as the columns lie, their scales
 * fitted beforehand. `act`: strongest first, groups made in that order and fitted when their turn comes; consumers need a group index.
 */
export type ColumnOrder = 'none' | 'act' | 'act-static';

/** What a recipe may say under `gptq`. `named` are grids that it may name beside the integer ones. */
export function gptqOptions(named: NamedGrids = {}) {
  const { shape, resolve } = budgetOptions(named, 'hessian');
  return z
    .strictObject({
      ...shape,
      order: z
        .enum(['none', 'act', 'act-static'])
        .default('act-static')
        .describe(
          'Order of rounding: as columns lie; strongest activations first with groups made in that order (consumers need a group index); or strongest first with groups as columns lie.',
        ),
      ...secondOrderOptions({
        blockSize: 'Columns between two updates of all later ones: changes speed, and results only by rounding.',
      }),
      targets: z
        .enum(['own', 'float'])
        .default('own')
        .describe(
          'What the outputs of a Linear are to be like: what its own weight makes of the inputs that it will see, or what it made in the float model, whose activations then go along at twice the memory.',
        ),
      polish: z
        .strictObject({
          sweeps: z
            .int()
            .min(0)
            .max(100)
            .default(2)
            .describe('Passes over all codes; none raises the loss of any row.'),
        })
        .prefault({})
        .describe('Coordinate descent over the codes afterwards.'),
      activations: z
        .union([z.literal('none'), activationOptions])
        .prefault('none')
        .describe(
          'How the inputs of all treated Linears are rounded in the forward pass; none: they stay floats. Weights are fitted to the floats.',
        ),
    })
    .transform(({ scales, ...options }, context) => ({ ...options, ...resolve({ ...options, scales }, context) }));
}

/** The options of a recipe after parsing. */
export type GptqOptions = z.output<ReturnType<typeof gptqOptions>>;
