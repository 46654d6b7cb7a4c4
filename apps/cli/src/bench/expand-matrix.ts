import { createHash } from 'node:crypto';
import { CompressError, hashInputs, type Place } from '@compress/core';
import { openModel } from '../model/open-model.ts';
import type { TextSource } from '../recipe/text-source.ts';
import { packageVersions } from '../run/versions.ts';
import { readText } from '../text/read-text.ts';
import { digestOf } from './canonical-json.ts';
import type { Cell, CellInputs, Job, Numerics } from './cell.ts';
import type { Matrix } from './matrix.ts';
import { INPUT } from './matrix-schema.ts';
import { measureOf } from './measures.ts';

export interface ExpandSettings {
  readonly numerics: Numerics;
  /** Told of each file that is fetched. */
  note(text: string): void;
  /** Only this job. */
  readonly only?: Pick<Job, 'model' | 'pipeline'>;
}

/**
 * Every cell of a matrix with its key, in the order of the file: models, in each the model as it is and then the pipelines, in each the
 * evaluations. Reads all models and texts, for their hashes. Throws those of `openModel` and `readText`, with the place in the matrix.
 */
export async function expandMatrix(matrix: Matrix, { numerics, note, only }: ExpandSettings): Promise<Job[]> {
  const texts = new Map<string, Promise<string>>();
  const textOf = (source: TextSource, place: Place) => {
    const key = JSON.stringify(source);
    const digest = texts.get(key) ?? located(matrix, place, digestText(source, matrix.directory));
    texts.set(key, digest);
    return digest;
  };
  const jobs: Job[] = [];
  for (const [model, location] of matrix.models) {
    if (only !== undefined && only.model !== model) continue;
    const digest = await digestModel(matrix, model, location, note);
    for (const pipeline of [INPUT, ...matrix.pipelines.keys()]) {
      if (only !== undefined && only.pipeline !== pipeline) continue;
      const compression = await compressionOf(matrix, pipeline, textOf);
      const algorithms = compression?.pipeline.map(({ algorithm }) => algorithm) ?? [];
      const shared = {
        model: digest,
        compression,
        numerics,
        versions: await packageVersions([...algorithms, 'evaluate']),
      };
      const cells: Cell[] = [];
      for (const [evaluation, entry] of matrix.evaluations) {
        const inputs = { ...shared, evaluation: await evaluationOf(entry, matrix, evaluation, textOf) };
        cells.push({ key: digestOf(inputs), model, pipeline, evaluation, inputs });
      }
      jobs.push({ id: digestOf(shared), model, pipeline, cells });
    }
  }
  return jobs;
}

type TextDigest = (source: TextSource, place: Place) => Promise<string>;

async function compressionOf(matrix: Matrix, name: string, textOf: TextDigest): Promise<CellInputs['compression']> {
  const pipeline = matrix.pipelines.get(name);
  if (pipeline === undefined) return null;
  const { steps, format, seed } = pipeline;
  const observes = steps.some(({ algorithm, options }) => (algorithm.observes?.(options) ?? []).length > 0);
  let calibration = null;
  if (observes && matrix.calibration !== undefined) {
    const { samples, length, pick, seed: picked } = matrix.calibration;
    const text = await textOf(matrix.calibration, matrix.places.value(['calibration']));
    calibration = { text, samples, length, pick, ...(picked === undefined ? {} : { seed: picked }) };
  }
  const plain = steps.map(({ algorithm, options }) => ({ algorithm: algorithm.name, options }));
  return { pipeline: JSON.parse(JSON.stringify(plain)), format: format.name, seed, calibration };
}

async function evaluationOf(
  entry: Readonly<Record<string, unknown>>,
  { places }: Matrix,
  name: string,
  textOf: TextDigest,
): Promise<CellInputs['evaluation']> {
  const { measure, options } = measureOf(entry);
  const sources = measure.sources(options);
  const place = places.value(['evaluations', name, measure.name]);
  const texts: string[] = [];
  for (const source of sources) texts.push(await textOf(source, place));
  return { measure: measure.name, settings: JSON.parse(JSON.stringify(measure.settings(options))), texts };
}

async function digestModel(
  matrix: Matrix,
  name: string,
  location: string,
  note: (text: string) => void,
): Promise<string> {
  const { directory, places } = matrix;
  const place = places.value(['models', name]);
  const { folder, checkpoint } = await located(matrix, {}, openModel(location, { directory, place, note }));
  try {
    return digestOf(await hashInputs(folder, checkpoint));
  } finally {
    await checkpoint.close();
  }
}

async function digestText(source: TextSource, directory: string): Promise<string> {
  return createHash('sha256')
    .update(await readText(source, directory))
    .digest('hex');
}

/** Says where in the matrix a file is named that is not there, and how it is made. */
async function located<T>({ inputs }: Matrix, place: Place, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const absent = error instanceof CompressError && (error.code === 'model-missing' || isAbsence(error.cause));
    if (!absent) throw error;
    const way = inputs === undefined ? '' : ` \`${inputs}\` makes what this matrix reads.`;
    throw new CompressError(error.code, `${error.message}${way}`, place, { cause: error });
  }
}

function isAbsence(cause: unknown): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'ENOENT';
}
