import { z } from 'zod';

/** Where a text comes from: exactly one of three keys, and a field for the two formats that have records. */
export const textSourceShape = {
  text: z.string().min(1).optional().describe('A UTF-8 text file, taken as it is. Relative to the recipe.'),
  jsonl: z.string().min(1).optional().describe('A file with one JSON object a line; the texts of `field` are joined.'),
  parquet: z
    .string()
    .min(1)
    .optional()
    .describe('A Parquet file (a Hugging Face data set); the texts of `field` are joined.'),
  field: z
    .string()
    .min(1)
    .optional()
    .describe('The field or column that holds the text, for jsonl and parquet (default: text).'),
};

export type TextSource = { readonly [Key in keyof typeof textSourceShape]?: string | undefined };

/** The rules that a JSON schema of plain properties cannot say. */
export function checkTextSource(source: TextSource, context: z.core.$RefinementCtx): void {
  const given = (['text', 'jsonl', 'parquet'] as const).filter((key) => source[key] !== undefined);
  if (given.length === 0) {
    context.addIssue({ code: 'custom', message: 'needs the file of a text: give one of text, jsonl or parquet.' });
  }
  if (given.length > 1) {
    context.addIssue({
      code: 'custom',
      path: [given[1]],
      message: `cannot stand beside ${given[0]}: give one of them.`,
    });
  }
  if (given.length === 1 && given[0] === 'text' && source.field !== undefined) {
    context.addIssue({
      code: 'custom',
      path: ['field'],
      message: 'belongs to jsonl and parquet; a text file has none.',
    });
  }
}
