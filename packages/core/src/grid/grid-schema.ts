import { z } from 'zod';
import { CompressError } from '../errors.ts';
import type { Grid, ScaleRule } from './grid.ts';
import { integerGrid } from './integer-grid.ts';
import { scaleOptions } from './scale-options.ts';
import { tableGrid } from './table-grid.ts';

/** Grids by the names that recipes call them: what a package of grids exports and algorithm factories take. */
export type NamedGrids = Readonly<Record<string, Grid>>;

const integerGrids: NamedGrids = Object.fromEntries(
  [2, 3, 4, 5, 6, 7, 8]
    .flatMap((bits) => [integerGrid({ bits }), integerGrid({ bits, symmetric: false })])
    .map((grid) => [grid.name, grid]),
);

/** A grid as recipes spell it: a name or an object with exactly one of `bits`, `levels` and `name`. */
export type GridChoice =
  | string
  | {
      readonly bits?: number | undefined;
      readonly symmetric?: boolean | undefined;
      readonly levels?: readonly number[] | undefined;
      readonly name?: string | undefined;
      readonly scales?: Grid['scales'] | undefined;
      readonly percentile?: number | undefined;
      readonly scaleType?: Grid['scaleType'] | undefined;
      readonly nested?: Grid['nested'] | undefined;
    };

/** Rules for scales by the names that recipes call them. */
export const SCALE_RULES = ['minmax', 'mse', 'percentile', 'hessian'] as const satisfies readonly ScaleRule[];

/**
 * Parses a grid as recipes write it to a {@link Grid}: the name of an integer grid (`int4`, symmetric; `int4-asym`) or of one of `named`, or
 * an object: `{ bits: 4, symmetric: false, scales: mse }`, `{ levels: [-1, 0, 1] }`, `{ name: nf4, scales: hessian }`.
 * Its JSON schema (`io: 'input'`) lists every name.
 */
export function gridSchema(named: NamedGrids = {}): z.ZodType<Grid, GridChoice> {
  return gridChoiceSchema(named).transform((choice, context) => {
    try {
      return gridOfChoice(choice, named);
    } catch (error) {
      if (!(error instanceof CompressError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

/** The same but for the last step: whether a choice is a grid is known by {@link gridOfChoice}. */
export function gridChoiceSchema(named: NamedGrids = {}): z.ZodType<GridChoice, GridChoice> {
  const names = Object.keys({ ...integerGrids, ...named });
  const name = z.enum(names);
  const object = z.strictObject({
    bits: z.int().min(2).max(8).optional().describe('An integer grid of that many bits.'),
    symmetric: z
      .boolean()
      .optional()
      .describe('With bits: codes are centred and there are no zero points. Default: true.'),
    levels: z.array(z.number()).min(2).max(256).optional().describe('A grid of these levels, ascending.'),
    name: name.optional().describe('A named grid, to give it other scales.'),
    scales: z
      .enum(SCALE_RULES)
      .optional()
      .describe(
        "How a group's scale is chosen: from its whole range, by least squared error, by least squared error weighed with the Hessian's diagonal, or from a percentile. Default: minmax.",
      ),
    percentile: z
      .number()
      .gt(50)
      .max(100)
      .optional()
      .describe('With scales: percentile, the percent of weights that the range covers on each side. Default: 99.9.'),
    scaleType: z
      .enum(['f32', 'f16', 'bf16', 'e4m3', 'e8m0'])
      .optional()
      .describe(
        'Precision in which scales are stored; e8m0 are powers of two. Default: f16, or that of the named grid.',
      ),
    nested: z
      .enum(['tensor', 'blocks'])
      .optional()
      .describe(
        'Scales are quantized themselves: as 8-bit floats times one scale of the whole weight, or as 8-bit codes with an absmax for each 256 (double quantization of bitsandbytes).',
      ),
  });
  return z.union([name, object], {
    error: ({ input, errors }) => describeMistake(input, names, errors as z.core.$ZodIssue[][]),
  });
}

/** The grid that a recipe's word or object means; a {@link Grid} is returned as it is. Throws `CompressError` `grid-invalid`. */
export function resolveGrid(choice: GridChoice | Grid, named: NamedGrids = {}): Grid {
  if (typeof choice === 'object' && choice !== null && 'codes' in choice) return choice;
  const parsed = gridSchema(named).safeParse(choice);
  if (parsed.success) return parsed.data;
  throw new CompressError('grid-invalid', parsed.error.issues.map(describeIssue).join(' '));
}

/** The grid that a choice of {@link gridChoiceSchema} means. Throws `CompressError` `grid-invalid`. */
export function gridOfChoice(choice: GridChoice, named: NamedGrids = {}): Grid {
  const grids: NamedGrids = { ...integerGrids, ...named };
  if (typeof choice === 'string') return grids[choice];
  const { bits, symmetric, levels, name, ...scales } = choice;
  if ([bits, levels, name].filter((key) => key !== undefined).length !== 1)
    throw new CompressError('grid-invalid', 'A grid has exactly one of "bits", "levels" and "name".');
  if (symmetric !== undefined && bits === undefined)
    throw new CompressError('grid-invalid', '"symmetric" belongs to a grid with "bits".');
  if (bits !== undefined) return integerGrid({ bits, symmetric, ...scales });
  if (levels !== undefined) return tableGrid({ name: 'levels', levels, ...scales });
  return withScales(grids[name as string], scales);
}

/** A grid with other scales; what is not said remains as it was. */
function withScales(
  { percentile, nested, ...grid }: Grid,
  said: Pick<Exclude<GridChoice, string>, 'scales' | 'percentile' | 'scaleType' | 'nested'>,
): Grid {
  return {
    ...grid,
    ...scaleOptions({
      scales: said.scales ?? grid.scales,
      percentile: said.percentile ?? (said.scales === undefined ? percentile : undefined),
      nested: said.nested ?? nested,
      scaleType: said.scaleType ?? (said.nested === undefined ? grid.scaleType : undefined),
    }),
  };
}

/** One sentence for a recipe: which of the two forms was meant decides what to complain of. */
function describeMistake(
  input: unknown,
  names: readonly string[],
  [, ofObject]: readonly z.core.$ZodIssue[][],
): string {
  if (typeof input !== 'object' || input === null)
    return `A grid is one of ${names.join(', ')}, or an object with "bits", "levels" or "name"; not ${JSON.stringify(input)}.`;
  return `Not a grid: ${ofObject.map(describeIssue).join('; ')}.`;
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length > 0 ? `${path.join('.')}: ${message}` : message;
}
