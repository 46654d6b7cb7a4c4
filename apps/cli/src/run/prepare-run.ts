import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CompressError, makePlan, type Plan, PlanError, type PlanRequest } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { type OpenedModel, openModel } from '../model/open-model.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { RecipeError } from '../recipe/recipe-error.ts';
import type { TextSource } from '../recipe/text-source.ts';

/** A recipe with its model opened and its plan made: all that can be known to fail has been looked at, and nothing was done. */
export interface PreparedRun {
  readonly recipe: Recipe;
  readonly opened: OpenedModel;
  readonly plan: Plan;
}

/**
 * Opens the model of a recipe and plans the run from headers. The caller closes `opened.checkpoint`.
 * Throws {@link RecipeError}, `CompressError` `plan` with all that the plan objects to, and those of {@link openModel}.
 */
export async function prepareRun(
  recipe: Recipe,
  kernels: Pick<Kernels, 'numerics' | 'threads'>,
  note: (text: string) => void,
): Promise<PreparedRun> {
  const opened = await openModel(recipe.model, {
    directory: recipe.directory,
    place: recipe.places.value(['model']),
    note,
  });
  try {
    if (opened.checkpoint.coded.size > 0) {
      const message = 'This model is quantized already: compress the one that it was made of.';
      throw new CompressError('already-quantized', message, recipe.places.value(['model']));
    }
    const problems = await checkTexts(recipe, opened);
    if (problems.length > 0) throw new RecipeError(problems);
    const plan = await makePlan(planRequest(recipe, opened, kernels)).catch((error) => {
      throw inRecipe(error, recipe);
    });
    return { recipe, opened, plan };
  } catch (error) {
    await opened.checkpoint.close();
    throw error;
  }
}

/** Says where in the recipe to look: at its step, where there is one and all problems are of layers; else in the file. */
function inRecipe(error: unknown, { file, pipeline, places }: Recipe): unknown {
  if (!(error instanceof PlanError)) return error;
  const ofStep = pipeline.length === 1 && error.problems.every(({ layer }) => layer !== '');
  const place = ofStep ? places.value(['pipeline', 0]) : { file };
  return new CompressError(error.code, error.message, place, { cause: error });
}

function planRequest(recipe: Recipe, opened: OpenedModel, kernels: PlanRequest['kernels']): PlanRequest {
  const { pipeline, format, output, activationMemory, allowReorder, calibration } = recipe;
  return {
    model: opened.model,
    checkpoint: opened.checkpoint,
    source: opened.folder,
    output,
    pipeline,
    allowReorder,
    format,
    activationMemory,
    kernels,
    ...(calibration && { calibration: { sequences: calibration.samples, length: calibration.length } }),
  };
}

/** What is known of texts without reading them: that they are there, and that a token is at least a byte. */
async function checkTexts(recipe: Recipe, { model }: OpenedModel): Promise<CompressError[]> {
  const { calibration, evaluate, directory, places } = recipe;
  const problems: CompressError[] = [];
  const wanted: { source: TextSource; tokens: number; context: number; path: (string | number)[] }[] = [];
  if (calibration !== undefined) {
    const { samples, length, pick } = calibration;
    const tokens = { spread: length + samples - 1, first: samples * length, random: length }[pick];
    wanted.push({ source: calibration, tokens, context: length, path: ['calibration'] });
  }
  for (const [index, { measure, options }] of evaluate.entries()) {
    const path = ['evaluate', index, measure];
    const { context, stride, windows = 1 } = options;
    const tokens = stride === undefined ? context * windows : (windows - 1) * stride + 2;
    wanted.push({ source: options, tokens, context, path });
  }
  for (const { source, tokens, context, path } of wanted) {
    const key = (['text', 'jsonl', 'parquet'] as const).find((kind) => source[kind] !== undefined)!;
    const place = places.value([...path, key]);
    const file = resolve(directory, source[key]!);
    const size = await stat(file).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) {
      problems.push(new CompressError('text-unreadable', `There is no file ${file}.`, place));
    } else if (key === 'text' && size < tokens) {
      const message = `${file} has ${size} bytes, which cannot make the ${tokens} tokens that are needed.`;
      problems.push(new CompressError('text-too-short', message, place));
    }
    if (context > model.contextLength) {
      const message = `Windows of ${context} tokens are longer than the model's context of ${model.contextLength}.`;
      problems.push(new CompressError('context-too-long', message, places.value(path)));
    }
  }
  return problems;
}
