import { gridSchema, groupSizeSchema, type NamedGrids } from '@compress/core';
import { z } from 'zod';

/** What a recipe may say under `rtn`. `named` are grids that it may name beside the integer ones. */
export function rtnOptions(named: NamedGrids = {}) {
  return z.strictObject({
    grid: gridSchema(named)
      .prefault('int4')
      .describe('The representable numbers: int2 to int8 (symmetric), int2-asym to int8-asym, or an object.'),
    groupSize: groupSizeSchema
      .default(128)
      .describe(
        'Input columns that share a scale; "channel" for one scale a row, "tensor" for one in all; { flattened: 64 }: that many weights of all rows in order, as bitsandbytes has them.',
      ),
  });
}

/** The options of a recipe after parsing. */
export type RtnOptions = z.output<ReturnType<typeof rtnOptions>>;
