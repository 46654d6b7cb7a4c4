import { z } from 'zod';
import type { Registry } from '../registry.ts';
import { checkTextSource, textSourceShape } from './text-source.ts';

const count = z.int().min(1);

export const calibrationSchema = z
  .strictObject({
    ...textSourceShape,
    samples: count.default(128).describe('How many windows are taken.'),
    length: z.int().min(2).default(512).describe('Tokens a window.'),
    pick: z
      .enum(['spread', 'first', 'random'])
      .default('spread')
      .describe(
        'Which windows: spread evenly from the first token to the last, the first ones side by side, or random starts from `seed`.',
      ),
    seed: z.int().min(0).optional().describe('For pick: random (default 0).'),
  })
  .superRefine((value, context) => {
    checkTextSource(value, context);
    if (value.seed !== undefined && value.pick !== 'random') {
      context.addIssue({ code: 'custom', path: ['seed'], message: 'belongs to pick: random.' });
    }
  })
  .describe('The text that algorithms observe the model with.');

export const perplexitySchema = z
  .strictObject({
    ...textSourceShape,
    context: z.int().min(2).describe('Tokens a window.'),
    windows: count.optional().describe('How many windows from the start of the text (default: all).'),
    stride: count
      .optional()
      .describe(
        'Tokens from the beginning of one window to that of the next, at most `context`: every window scores its last `stride` tokens, the first one all, and the last one ends with the text. Absent: whole windows side by side.',
      ),
    scoreFrom: count
      .optional()
      .describe(
        'The first position in a window, counted from 0, whose token is scored (default 1). Half of the context and 1 more is what llama.cpp does.',
      ),
    bos: z
      .boolean()
      .optional()
      .describe("The model's beginning-of-sequence token takes the place of the first token of every window."),
  })
  .superRefine((value, context) => {
    checkTextSource(value, context);
    const { stride, scoreFrom } = value;
    if (stride !== undefined && stride > value.context) {
      context.addIssue({ code: 'custom', path: ['stride'], message: `must be at most the context, ${value.context}.` });
    }
    if (scoreFrom !== undefined && scoreFrom >= value.context) {
      context.addIssue({
        code: 'custom',
        path: ['scoreFrom'],
        message: `must be below the context, ${value.context}.`,
      });
    }
    if (scoreFrom !== undefined && stride !== undefined) {
      const message = 'cannot stand beside stride, which says itself which tokens are scored.';
      context.addIssue({ code: 'custom', path: ['scoreFrom'], message });
    }
  })
  .describe('Perplexity before and after, window by window from the start of the text.');

export const divergenceSchema = perplexitySchema.describe(
  "Perplexity before and after, and how far the output's distributions of the next token are from the input's: KL divergence, and the share of tokens for which both have the same likeliest one.",
);

const evaluation = z
  .strictObject({ perplexity: perplexitySchema.optional(), divergence: divergenceSchema.optional() })
  .refine((entry) => Object.keys(entry).length === 1, {
    message: 'needs exactly one measure, perplexity or divergence (which tells the perplexity too).',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const NOT_BYTES = 'must be a size such as 512 MB or 2 GiB, or a number of bytes.';

/** `512 MB`, `2 GiB` or a number of bytes. */
const bytes = z
  .union([z.int().min(1), z.string().regex(/^\d+(\.\d+)? ?(B|[kMG]i?B)$/, { error: NOT_BYTES })], { error: NOT_BYTES })
  .transform((value) => (typeof value === 'number' ? value : parseBytes(value)));

function parseBytes(text: string): number {
  const [, figure, unit] = /^([\d.]+) ?(\w+)$/.exec(text)!;
  const power = { B: 0, k: 1, M: 2, G: 3 }[unit[0]]!;
  return Math.round(Number(figure) * (unit.includes('i') ? 1024 : 1000) ** power);
}

/** `- rtn:` with nothing after it is a step with its defaults. */
function orEmpty(options: z.ZodType): z.ZodType {
  return z.preprocess((value) => value ?? {}, options);
}

/** What recipes and matrices have in common: how a model is compressed. */
export function pipelineShape({ algorithms, formats }: Registry) {
  const steps = Object.fromEntries(
    algorithms.map((algorithm) => [algorithm.name, orEmpty(algorithm.options).optional().describe(algorithm.summary)]),
  );
  const step = z
    .strictObject(steps)
    .refine((entry) => Object.keys(entry).length === 1, {
      message: 'needs exactly one algorithm; begin a new list item for the next.',
    })
    .meta({ minProperties: 1, maxProperties: 1 });
  return {
    pipeline: z.array(step).min(1).describe('Algorithms in order: transforms, then prunes, then quantizers.'),
    format: z
      .enum(formats.map((format) => format.name) as [string, ...string[]])
      .default('dense')
      .describe(formats.map((format) => `${format.name}: ${format.summary}`).join(' ')),
    seed: z.int().min(0).default(0).describe('Seeds everything random: the same seed gives the same bytes.'),
    allowReorder: z
      .boolean()
      .default(false)
      .describe('Allows a pipeline in another order than transform, prune, quantize.'),
  };
}

/** The recipe: one schema from which its type, its defaults, the JSON schema and the messages come. */
export function recipeSchema(registry: Registry) {
  const { pipeline, format, seed, allowReorder } = pipelineShape(registry);
  return z.strictObject({
    model: z
      .string()
      .min(1)
      .describe('A folder relative to the recipe, or a hub id: owner/name or owner/name@revision.'),
    output: z.string().min(1).describe('The folder to write, relative to the recipe.'),
    calibration: calibrationSchema.optional(),
    pipeline,
    format,
    evaluate: z
      .union([evaluation, z.array(evaluation)])
      .optional()
      .describe('Measures of the input and of the output: one, or a list.'),
    seed,
    allowReorder,
    strict: z.boolean().default(false).describe('Warnings stop the run.'),
    activationMemory: bytes
      .prefault('512 MiB')
      .describe(
        'Activations kept in memory, such as 512 MB; what is beyond is spilled to disk. The result is the same.',
      ),
  });
}

export type RecipeInput = z.input<ReturnType<typeof recipeSchema>>;
export type ParsedRecipe = z.output<ReturnType<typeof recipeSchema>>;
export type CalibrationRecipe = z.output<typeof calibrationSchema>;
export type PerplexityRecipe = z.output<typeof perplexitySchema>;
