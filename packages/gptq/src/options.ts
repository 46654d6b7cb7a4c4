import { gridSchema, groupSizeSchema, type NamedGrids } from '@compress/core';
import { z } from 'zod';

/**
 * The order in which columns are rounded. `none`: as they lie. `act-static`: strongest activations first, groups as the columns lie, their scales
 * fitted beforehand. `act`: strongest first, groups made in that order and fitted when their turn comes; consumers need a group index.
 */
export type ColumnOrder = 'none' | 'act' | 'act-static';

/** What a recipe may say under `gptq`. `named` are grids that it may name beside the integer ones. */
export function gptqOptions(named: NamedGrids = {}) {
  return z.strictObject({
    grid: gridSchema(named)
      .prefault('int4')
      .describe('The representable numbers: int2 to int8 (symmetric), int2-asym to int8-asym, or an object.'),
    groupSize: groupSizeSchema
      .default(128)
      .describe(
        'Input columns that share a scale; "channel" for one scale a row, "tensor" for one in all; { flattened: 64 }: that many weights of all rows in order, as bitsandbytes has them.',
      ),
    order: z
      .enum(['none', 'act', 'act-static'])
      .default('act-static')
      .describe(
        'Order of rounding: as columns lie; strongest activations first with groups made in that order (consumers need a group index); or strongest first with groups as columns lie.',
      ),
    damping: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe(
        "Share of the mean of the Hessian's diagonal that is added to it; doubled, with a warning, where it does not suffice.",
      ),
    blockSize: z
      .int()
      .min(1)
      .default(128)
      .describe('Columns between two updates of all later ones: changes speed, and results only by rounding.'),
    sweeps: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe('Passes of coordinate descent over the codes afterwards; none raises the loss of any row.'),
  });
}

/** The options of a recipe after parsing. */
export type GptqOptions = z.output<ReturnType<typeof gptqOptions>>;
