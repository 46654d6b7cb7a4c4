import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CompressError, type Format, type PipelineStep } from '@compress/core';
import { parseYaml } from '../recipe/parse-yaml.ts';
import { pipelineSteps } from '../recipe/pipeline-steps.ts';
import type { CalibrationRecipe } from '../recipe/schema.ts';
import type { SourceMap } from '../recipe/source-map.ts';
import type { Registry } from '../registry.ts';
import { matrixSchema } from './matrix-schema.ts';

/** One pipeline of a matrix. */
export interface MatrixPipeline {
  readonly steps: readonly PipelineStep[];
  /** As it was written. */
  readonly written: unknown;
  readonly format: Format;
  readonly seed: number;
  readonly allowReorder: boolean;
}

/** A matrix that was read, checked and completed with its defaults. Maps are by name, in the order of the file. */
export interface Matrix {
  readonly file: string;
  /** Folder of the file: what relative paths in it start from. */
  readonly directory: string;
  /** Absolute. */
  readonly results: string;
  /** The command that makes the files that the matrix reads. */
  readonly inputs?: string;
  readonly models: ReadonlyMap<string, string>;
  readonly calibration?: CalibrationRecipe;
  readonly pipelines: ReadonlyMap<string, MatrixPipeline>;
  /** Each with one measure's name and options. */
  readonly evaluations: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly places: SourceMap;
}

/** Reads a matrix's text. Throws a `RecipeError` with every mistake found, each with its file, line and column. */
export function parseMatrix(text: string, file: string, registry: Registry): Matrix {
  const { data, value, places } = parseYaml(text, { file, subject: 'matrix', schema: matrixSchema(registry) });
  const { results, inputs, models, calibration, pipelines, evaluations } = data;
  const written = (value as { pipelines: Record<string, { pipeline: unknown }> }).pipelines;
  const directory = dirname(resolve(file));
  return {
    file,
    directory,
    results: resolve(directory, results),
    ...(inputs === undefined ? {} : { inputs }),
    models: new Map(Object.entries(models)),
    ...(calibration === undefined ? {} : { calibration }),
    pipelines: new Map(
      Object.entries(pipelines).map(([name, { pipeline, format, seed, allowReorder }]) => [
        name,
        {
          steps: pipelineSteps(pipeline, registry),
          written: written[name].pipeline,
          format: registry.formats.find((candidate) => candidate.name === format)!,
          seed,
          allowReorder,
        },
      ]),
    ),
    evaluations: new Map(Object.entries(evaluations)),
    places,
  };
}

/** Reads and checks a matrix's file. Throws `CompressError` `matrix-missing`, and `RecipeError`. */
export async function readMatrix(file: string, directory: string, registry: Registry): Promise<Matrix> {
  const text = await readFile(resolve(directory, file), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'There is no such matrix' : `The matrix cannot be read (${cause.message})`;
    throw new CompressError('matrix-missing', `${reason}.`, { file }, { cause });
  });
  return parseMatrix(text, resolve(directory, file), registry);
}
