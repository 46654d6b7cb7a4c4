import { z } from 'zod';
import type { Grid, ScaleRule } from '../grid/grid.ts';
import { type GridChoice, gridChoiceSchema, type NamedGrids } from '../grid/grid-schema.ts';
import type { GroupSize } from '../grid/group-size.ts';
import { packedBits } from '../grid/packed-bits.ts';
import { roundingOptions } from '../grid/rounding-options.ts';
import type { LinearSpec } from '../model/model.ts';

/** A bit budget after parsing: which grids Linears may get, and how many bits a weight of all of them together may take. */
export interface Budget {
  /** Scales and zeros included, as the plan counts. */
  readonly bitsPerWeight: number;
  readonly choices: readonly Grid[];
  readonly weigh: 'sensitivity' | 'loss';
}

/**
 * What a step that may keep a bit budget says in a recipe: `roundingOptions` with `budget`. `resolve` is for a transform of the step's schema; with a
 * budget, `grid` is the first of its choices.
 */
export function budgetOptions(named: NamedGrids = {}, integerScales?: ScaleRule) {
  const { shape, gridOf } = roundingOptions(named, integerScales);
  const budget = z.strictObject({
    bitsPerWeight: z
      .number()
      .positive()
      .max(32)
      .describe('What all treated Linears may take together, scales and zeros included.'),
    choices: z
      .array(gridChoiceSchema(named))
      .min(2)
      .describe('The grids of which each Linear gets one, as "grid" writes them.'),
    weigh: z
      .enum(['sensitivity', 'loss'])
      .default('sensitivity')
      .describe(
        'What an error of a Linear counts: by how far the outputs of the whole model move when noise is added to it alone, which some runs measure; or by its share of the outputs of the Linear itself.',
      ),
  });
  const withBudget = {
    ...shape,
    budget: z
      .union([z.literal('none'), budget])
      .prefault('none')
      .describe(
        'In place of "grid": a grid for each Linear, such that all keep to so many bits and the model loses least. Measured on the model as it comes, before any transform.',
      ),
  };
  function resolve(
    said: { grid?: GridChoice | undefined; scales: ScaleRule | null; budget: 'none' | z.output<typeof budget> },
    context: z.RefinementCtx,
  ): { readonly grid: Grid; readonly budget: Budget | 'none' } {
    const { grid, scales } = said;
    if (said.budget === 'none') return { grid: gridOf({ grid, scales }, context), budget: 'none' };
    if (grid !== undefined) {
      const message = 'cannot stand beside "budget", which chooses it: give one of them.';
      context.addIssue({ code: 'custom', path: ['grid'], message });
    }
    const choices = said.budget.choices.map((choice) => gridOf({ grid: choice, scales }, context));
    return { grid: choices[0], budget: { ...said.budget, choices } };
  }
  return {
    /** Options by name. */
    shape: withBudget,
    /** The grid, or the grids of the budget, that these options mean together. */
    resolve,
  };
}

/** Why no assignment can keep the budget, for `Algorithm.checkTogether`. From shapes alone. */
export function budgetObjections(
  algorithm: string,
  linears: readonly LinearSpec[],
  { budget, groupSize }: { readonly budget: Budget | 'none'; readonly groupSize: GroupSize },
): string[] {
  if (budget === 'none' || linears.length === 0) return [];
  const shapes = linears.map(({ outFeatures, inFeatures }) => [outFeatures, inFeatures] as const);
  const weights = shapes.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
  const least = shapes.reduce(
    (sum, shape) => sum + Math.min(...budget.choices.map((grid) => packedBits(grid, groupSize, shape))),
    0,
  );
  if (least <= budget.bitsPerWeight * weights) return [];
  return [
    `${algorithm}: a budget of ${budget.bitsPerWeight} bits per weight cannot be kept: the smallest of the choices takes ${(least / weights).toFixed(3)} with its scales; raise the budget, add a smaller grid or enlarge the groups.`,
  ];
}
