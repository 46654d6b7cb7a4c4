import { dirname, resolve } from 'node:path';
import type { Format, PipelineStep } from '@compress/core';
import type { Registry } from '../registry.ts';
import { parseYaml } from './parse-yaml.ts';
import { pipelineSteps } from './pipeline-steps.ts';
import { type CalibrationRecipe, type PerplexityRecipe, recipeSchema } from './schema.ts';
import type { SourceMap } from './source-map.ts';

/** One entry of what a recipe measures. */
export interface EvaluationRecipe {
  /** Its key in the recipe; `divergence` tells the perplexity too. */
  readonly measure: 'perplexity' | 'divergence';
  readonly options: PerplexityRecipe;
}

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
  readonly evaluate: readonly EvaluationRecipe[];
  readonly seed: number;
  readonly allowReorder: boolean;
  readonly strict: boolean;
  readonly activationMemory: number;
  /** What decides the output's bytes, as it was written: the part that the journal and the manifest keep. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly places: SourceMap;
}

const MEASURES = ['perplexity', 'divergence'] as const;

/** Reads a recipe's text. Throws a `RecipeError` with every mistake found, each with its file, line and column. */
export function parseRecipe(text: string, file: string, registry: Registry): Recipe {
  const { data, value, places } = parseYaml(text, { file, subject: 'recipe', schema: recipeSchema(registry) });
  const { calibration, evaluate, format, pipeline, output, ...rest } = data;
  const directory = dirname(resolve(file));
  const entries = evaluate === undefined ? [] : Array.isArray(evaluate) ? evaluate : [evaluate];
  return {
    ...rest,
    ...(calibration === undefined ? {} : { calibration }),
    file,
    directory,
    output: resolve(directory, output),
    pipeline: pipelineSteps(pipeline, registry),
    format: registry.formats.find((candidate) => candidate.name === format)!,
    evaluate: entries.flatMap((entry) =>
      MEASURES.flatMap((measure) => (entry[measure] === undefined ? [] : [{ measure, options: entry[measure] }])),
    ),
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
