import { CompressError } from '@compress/core';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { explainIssues, type Subject } from './explain-issues.ts';
import { RecipeError } from './recipe-error.ts';
import { type SourceMap, sourceMap } from './source-map.ts';

/** A file of YAML that its schema accepted. */
export interface ParsedYaml<T> {
  /** Completed with defaults. */
  readonly data: T;
  /** As it was written. */
  readonly value: unknown;
  readonly places: SourceMap;
}

/** Reads YAML under a schema. Throws a {@link RecipeError} with every mistake found, each with its file, line and column. */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  { file, subject, schema }: { readonly file: string; readonly subject: Subject; readonly schema: Schema },
): ParsedYaml<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new RecipeError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const place = { file, line, column: col };
        return new CompressError(`${subject}-invalid`, `This is not valid YAML: ${error.message}.`, place);
      }),
    );
  }
  const places = sourceMap(file, document, lines);
  const value: unknown = document.toJS();
  const result = schema.safeParse(value);
  if (!result.success)
    throw new RecipeError(explainIssues(result.error.issues, { subject, value, schema, map: places }));
  return { data: result.data, value, places };
}
