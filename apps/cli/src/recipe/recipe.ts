import { dirname, resolve } from 'node:path';
import { CompressError, type Format, type PipelineStep } from '@compress/core';
import { LineCounter, parseDocument } from 'yaml';
import type { Registry } from '../registry.ts';
import { explainIssues } from './explain-issues.ts';
import { RecipeError } from './recipe-error.ts';
import { type CalibrationRecipe, type PerplexityRecipe, recipeSchema } from './schema.ts';
import { type SourceMap, sourceMap } from './source-map.ts';

/** A recipe that was read, checked and completed with its defaults. */
export interface Recipe {
  readonly file: string;
  /** Folder of the file: what relative paths in it start from. */
  readonly directory: string;
  readonly model: string;
  /** Absolute. */
  readonly output: string;
  readonly calibration?: CalibrationRecipe;
  readonly pipeline: readonly PipelineStep[];
  readonly format: Format;
  readonly perplexity: readonly PerplexityRecipe[];
  readonly seed: number;
  readonly allowReorder: boolean;
  readonly strict: boolean;
  readonly activationMemory: number;
  /** What decides the output's bytes, as it was written: the part that the journal and the manifest keep. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly places: SourceMap;
}

/** Reads a recipe's text. Throws a {@link RecipeError} with every mistake found, each with its file, line and column. */
export function parseRecipe(text: string, file: string, registry: Registry): Recipe {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new RecipeError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return new CompressError('recipe-invalid', `This is not valid YAML: ${error.message}.`, {
          file,
          line,
          column: col,
        });
      }),
    );
  }
  const places = sourceMap(file, document, lines);
  const value: unknown = document.toJS();
  const schema = recipeSchema(registry);
  const result = schema.safeParse(value);
  if (!result.success) throw new RecipeError(explainIssues(result.error.issues, { value, schema, map: places }));

  const { calibration, evaluate, format, pipeline, output, ...rest } = result.data;
  const directory = dirname(resolve(file));
  const entries = evaluate === undefined ? [] : Array.isArray(evaluate) ? evaluate : [evaluate];
  return {
    ...rest,
    ...(calibration === undefined ? {} : { calibration }),
    file,
    directory,
    output: resolve(directory, output),
    pipeline: pipeline.map((step) => {
      const [name, options] = Object.entries(step)[0];
      return { algorithm: registry.algorithms.find((algorithm) => algorithm.name === name)!, options };
    }),
    format: registry.formats.find((candidate) => candidate.name === format)!,
    perplexity: entries.flatMap((entry) => entry.perplexity ?? []),
    identity: {
      model: rest.model,
      ...(calibration === undefined ? {} : { calibration }),
      pipeline: (value as { pipeline: unknown }).pipeline,
      format,
      seed: rest.seed,
    },
    places,
  };
}
