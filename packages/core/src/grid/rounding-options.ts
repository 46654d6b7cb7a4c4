import { z } from 'zod';
import { CompressError } from '../errors.ts';
import type { Grid, ScaleRule } from './grid.ts';
import { type GridChoice, gridChoiceSchema, gridOfChoice, type NamedGrids, SCALE_RULES } from './grid-schema.ts';
import { groupSizeSchema } from './group-size.ts';

const DEFAULT_GRID = 'int4';

/** Makes one grid of what a step says; adds an issue at `grid` or `scales` where there is none. */
export type GridOf = (
  said: { readonly grid?: GridChoice | undefined; readonly scales: ScaleRule | null },
  context: z.RefinementCtx,
) => Grid;

/**
 * What every step that rounds says in a recipe. `shape` goes into the step's own schema; `gridOf` is for a transform of
 * that schema. `integerScales`: the rule of integer grids for which the recipe says none; that of tables is part of what they are.
 */
export function roundingOptions(named: NamedGrids = {}, integerScales: ScaleRule = 'minmax') {
  const shape = {
    grid: gridChoiceSchema(named)
      .optional()
      .meta({ default: DEFAULT_GRID })
      .describe(
        'The representable numbers: int2 to int8 (symmetric), int2-asym to int8-asym, a codebook, or an object.',
      ),
    scales: z
      .enum(SCALE_RULES)
      .nullable()
      .default(null)
      .describe(
        `How a group's scale is chosen, whatever the grid: from its whole range, by least squared error, by least squared error weighed with the Hessian's diagonal, or from a percentile. Empty: as the grid has it, and for an integer grid that does not say, ${integerScales}.`,
      ),
    groupSize: groupSizeSchema
      .default(128)
      .describe(
        'Input columns that share a scale; "channel" for one scale a row, "tensor" for one in all; { flattened: 64 }: that many weights of all rows in order, as bitsandbytes has them; { block: [128, 128] }: so many rows and columns, as DeepSeek has them.',
      ),
  };
  const gridOf: GridOf = ({ grid = DEFAULT_GRID, scales }, context) => {
    const own = typeof grid === 'string' ? undefined : grid.scales;
    const complain = (key: 'grid' | 'scales', message: string) => {
      context.addIssue({ code: 'custom', path: [key], message });
      return z.NEVER;
    };
    if (scales !== null && own !== undefined && own !== scales)
      return complain('scales', `is ${scales}, but the grid itself says ${own}; give one of them.`);
    try {
      const withScales = (scales: ScaleRule) =>
        gridOfChoice(typeof grid === 'string' ? { name: grid, scales } : { ...grid, scales }, named);
      if (scales !== null) return withScales(scales);
      const asSaid = gridOfChoice(grid, named);
      return own === undefined && asSaid.codes.kind === 'integer' ? withScales(integerScales) : asSaid;
    } catch (error) {
      if (!(error instanceof CompressError)) throw error;
      return complain('grid', error.message);
    }
  };
  return {
    /** Options by name. */
    shape,
    /** The grid that `grid` and `scales` mean together. */
    gridOf,
  };
}
