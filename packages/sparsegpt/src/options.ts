import { gridChoiceSchema, type NamedGrids, roundingOptions, secondOrderOptions } from '@compress/core';
import { z } from 'zod';
import { DEFAULT_SPARSITY, PATTERN, sparsityMistake } from './sparsity.ts';

/** How what goes is chosen; only `sparsegpt` changes what stays. */
export type Criterion = 'sparsegpt' | 'wanda' | 'magnitude';

const share = z.number().min(0).max(1);
const pattern = z.string().regex(PATTERN, 'must be n:m, such as "2:4" in quotes: n of each m weights are kept.');

function isRegularExpression(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** Sparsity of the layers whose name the expression matches. */
const layerRule = z.strictObject({
  match: z
    .string()
    .min(1)
    .refine(isRegularExpression, 'must be a regular expression.')
    .describe(
      'A regular expression that matches a part of the name, such as "mlp\\\\.down_proj" or "layers\\\\.0\\\\.".',
    ),
  sparsity: share.optional().describe('Share of weights that become 0; 0 leaves the layer alone.'),
  pattern: pattern.optional().describe('n of each m neighbouring inputs are kept.'),
});

/** What a recipe may say under `sparsegpt`. `named` are grids that it may name beside the integer ones. */
export function sparseGptOptions(named: NamedGrids = {}) {
  const { shape, gridOf } = roundingOptions(named);
  return z
    .strictObject({
      criterion: z
        .enum(['sparsegpt', 'wanda', 'magnitude'])
        .default('sparsegpt')
        .describe(
          'What goes: what others can best make good, which they then do; the smallest |w| |x| of each row; or the smallest |w|.',
        ),
      sparsity: share
        .optional()
        .meta({ default: DEFAULT_SPARSITY })
        .describe('Share of weights that become 0, 0 to 1, unless there is a pattern.'),
      pattern: z
        .union([z.literal('none'), pattern])
        .default('none')
        .describe('n:m keeps n of each m neighbouring inputs of a row: "2:4", "4:8", "1:4".'),
      allocation: z
        .enum(['uniform', 'owl'])
        .default('uniform')
        .describe(
          'uniform: every layer has the same sparsity. owl: blocks with more outliers keep more, which costs one more pass over the model; not with a pattern.',
        ),
      layers: z
        .array(layerRule)
        .default([])
        .describe('Layers with a sparsity or a pattern of their own; the first rule that matches counts.'),
      grid: z
        .union([z.literal('none'), gridChoiceSchema(named)])
        .prefault('none')
        .describe(
          'With criterion sparsegpt: what stays is quantized to this grid in the same sweep. none: it stays in floats.',
        ),
      scales: shape.scales,
      groupSize: shape.groupSize,
      ...secondOrderOptions({
        blockSize:
          'Columns that are judged together, with the errors of all before them; each block has the same sparsity.',
      }),
      polish: z
        .strictObject({
          sweeps: z.int().min(0).max(100).default(10).describe('Passes; none raises the loss of any row.'),
        })
        .prefault({})
        .describe('With criterion sparsegpt: conjugate gradients over what was kept, with a grid coordinate descent.'),
    })
    .superRefine((options, context) => {
      const { pattern, sparsity, criterion, grid, scales, layers, allocation } = options;
      const complain = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      const mistake = sparsityMistake({ sparsity, pattern: pattern === 'none' ? undefined : pattern });
      if (mistake !== undefined) complain(['pattern'], mistake);
      for (const [i, rule] of layers.entries()) {
        const wrong = sparsityMistake(rule);
        if (wrong !== undefined) complain(['layers', i], wrong);
        else if (rule.sparsity === undefined && rule.pattern === undefined)
          complain(['layers', i], 'A rule needs a sparsity or a pattern.');
      }
      if (allocation === 'owl' && pattern !== 'none')
        complain(
          ['allocation'],
          `The pattern ${pattern} leaves nothing to allocate; give a sparsity, or drop "allocation: owl".`,
        );
      if (allocation === 'owl' && criterion === 'magnitude')
        complain(
          ['allocation'],
          'Outliers are seen in activations, of which criterion magnitude knows none; use wanda or sparsegpt.',
        );
      if (grid !== 'none' && criterion !== 'sparsegpt')
        complain(
          ['grid'],
          `Only criterion sparsegpt prunes and quantizes at once; with ${criterion} add a quantizer as the next step.`,
        );
      if (grid === 'none' && scales !== null) complain(['scales'], 'needs a grid: without one what stays is floats.');
    })
    .transform(({ scales, grid, ...options }, context) => ({
      ...options,
      grid: grid === 'none' ? ('none' as const) : gridOf({ grid, scales }, context),
    }));
}

/** The options of a recipe after parsing. */
export type SparseGptOptions = z.output<ReturnType<typeof sparseGptOptions>>;
