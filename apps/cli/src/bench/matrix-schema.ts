import { z } from 'zod';
import { calibrationSchema, pipelineShape } from '../recipe/schema.ts';
import type { Registry } from '../registry.ts';
import { measures } from './measures.ts';

/** The name under which a matrix measures each model as it is. */
export const INPUT = 'input';

const evaluation = z
  .strictObject(Object.fromEntries(measures.map(({ name, options }) => [name, options.optional()])))
  .refine((entry) => Object.keys(entry).length === 1, {
    message: `needs exactly one measure: ${measures.map(({ name }) => name).join(' or ')}.`,
  })
  .meta({ minProperties: 1, maxProperties: 1 });

/** At least one entry, under names that people read in tables. */
function named<Entry extends z.ZodType>(entry: Entry) {
  return z.record(z.string().min(1), entry).refine((entries) => Object.keys(entries).length > 0, {
    message: 'must not be empty.',
  });
}

/** The matrix: models x pipelines x evaluations, one schema for its type, defaults and messages. */
export function matrixSchema(registry: Registry) {
  return z.strictObject({
    results: z.string().min(1).describe('The JSONL file that holds one line a cell, relative to the matrix.'),
    inputs: z
      .string()
      .min(1)
      .optional()
      .describe('The command that makes the files named here: told to whoever lacks one of them.'),
    models: named(
      z.string().min(1).describe('A folder relative to the matrix, or a hub id: owner/name or owner/name@revision.'),
    ).describe('Models by name. Each is also measured as it is.'),
    calibration: calibrationSchema.optional(),
    pipelines: named(z.strictObject(pipelineShape(registry)))
      .refine((entries) => !(INPUT in entries), {
        path: [INPUT],
        message: 'is the name of the model as it is; choose another.',
      })
      .describe('Pipelines by name: each is what a recipe has under pipeline, format, seed and allowReorder.'),
    evaluations: named(evaluation).describe('Measures by name, each of every model and of every output.'),
  });
}
