import { join } from 'node:path';
import type { EvaluationRecipe, Recipe } from '../recipe/recipe.ts';
import type { Path } from '../recipe/source-map.ts';
import type { Job } from './cell.ts';
import type { Matrix } from './matrix.ts';

/** Bytes of activations in memory, as recipes have it by default. */
const ACTIVATION_MEMORY = 512 * 2 ** 20;

/** The recipe of a job that compresses, with its mistakes placed in the matrix. Its output is a folder under `work`, named by the job's id. */
export function jobRecipe(matrix: Matrix, job: Job, work: string): Recipe {
  const { steps, written, format, seed, allowReorder } = matrix.pipelines.get(job.pipeline)!;
  const evaluations = [...matrix.evaluations.keys()];
  const evaluate = [...matrix.evaluations.values()].flatMap((entry) =>
    Object.entries(entry).map(([measure, options]) => ({ measure, options }) as EvaluationRecipe),
  );
  const inMatrix = ([first, second, ...rest]: Path): Path => {
    if (first === 'model') return ['models', job.model];
    if (first === 'pipeline')
      return ['pipelines', job.pipeline, 'pipeline', ...(second === undefined ? [] : [second]), ...rest];
    if (first === 'evaluate') return ['evaluations', evaluations[Number(second)], ...rest];
    return [first, ...(second === undefined ? [] : [second]), ...rest];
  };
  return {
    file: matrix.file,
    directory: matrix.directory,
    model: matrix.models.get(job.model)!,
    output: outputOf(job, work),
    ...(matrix.calibration === undefined ? {} : { calibration: matrix.calibration }),
    pipeline: steps,
    format,
    evaluate,
    seed,
    allowReorder,
    strict: false,
    activationMemory: ACTIVATION_MEMORY,
    identity: { matrix: { model: job.model, pipeline: written }, format: format.name, seed } as Recipe['identity'],
    places: {
      value: (path) => matrix.places.value(inMatrix(path)),
      key: (path, key) => matrix.places.key(inMatrix(path), key),
    },
  };
}

/** Enough of an id to tell jobs apart, and short enough for a path. */
const NAME_LENGTH = 16;

/** The folder in which a job's compressed model lies until it is measured. */
export function outputOf({ id }: Job, work: string): string {
  return join(work, id.slice(0, NAME_LENGTH));
}
