import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  type Calibration,
  type CompressResult,
  compress,
  type RunEvent,
  seesCalibration,
  workFolder,
} from '@compress/core';
import type { Divergence, Perplexity } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { writeCard } from '../card/write-card.ts';
import { keepReference, measureDivergence } from '../model/measure-divergence.ts';
import { measurePerplexity } from '../model/measure-perplexity.ts';
import { type OpenedModel, openModel } from '../model/open-model.ts';
import type { Progress } from '../progress/progress.ts';
import type { EvaluationRecipe, Recipe } from '../recipe/recipe.ts';
import { calibrationWindows } from '../text/calibration.ts';
import type { Tokenize } from '../text/tokenize.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import { showEvents } from './show-events.ts';
import { packageVersions } from './versions.ts';

export interface RunOutcome extends CompressResult {
  readonly recipe: Recipe;
  readonly architecture: string;
  readonly evaluations: readonly Evaluation[];
}

/** One measure, of the input and of the output. */
export interface Evaluation {
  /** Name of the text's file. */
  readonly text: string;
  readonly before: Perplexity;
  readonly after: Perplexity;
  /** How far the output's distributions are from the input's, where that was asked for. */
  readonly divergence?: Divergence;
}

/** Everything that happens, for `--events`: the walk's events and what the app does around it. */
export type AppEvent =
  | RunEvent
  | {
      readonly type: 'evaluation';
      readonly model: string;
      readonly text: string;
      readonly result: Perplexity;
      /** From the input; of an output. */
      readonly divergence?: Divergence;
    };

export interface RunSettings {
  readonly kernels: Kernels;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  onEvent(event: AppEvent): void;
  readonly tokenize: Tokenize;
  /** Measures of the input that earlier runs made, by folder, text and windows; those of this run are added. */
  readonly measured: Map<string, Perplexity>;
}

/** The whole way of a recipe: plan, calibrate, compress, measure before and after. An interrupted run says how it goes on. */
export async function runRecipe(recipe: Recipe, settings: RunSettings): Promise<RunOutcome> {
  const { kernels, progress, signal } = settings;
  const prepared = await prepareRun(recipe, kernels, progress.log);
  let whenInterrupted = `Ended. The same command goes on from the last finished section; what is done waits in ${workFolder(recipe.output)}.`;
  try {
    const result = await compressPrepared(prepared, settings);
    whenInterrupted = `Ended. The output ${recipe.output} is complete; compress eval measures it.`;
    const { architecture } = prepared.opened.model;
    // With its card even if measuring is interrupted, and again with what was measured.
    const place = { source: prepared.opened.folder, output: recipe.output, format: recipe.format };
    const carded = await writeCard(place, result.manifest);
    const evaluations = await evaluateAll(prepared, settings);
    const manifest = evaluations.length === 0 ? carded : await writeCard(place, carded, evaluations);
    return { ...result, manifest, recipe, architecture, evaluations };
  } catch (error) {
    if (signal.aborted) progress.log(whenInterrupted);
    throw error;
  } finally {
    await prepared.opened.checkpoint.close();
  }
}

async function evaluateAll({ recipe, opened }: PreparedRun, settings: RunSettings): Promise<Evaluation[]> {
  const { directory } = recipe;
  const output = await openModel(recipe.output, { directory, note: settings.progress.log });
  try {
    const evaluations: Evaluation[] = [];
    for (const { measure, options } of recipe.evaluate) {
      const evaluate = { perplexity: evaluatePerplexity, divergence: evaluateDivergence }[measure];
      evaluations.push(await evaluate({ entry: options, input: opened, output, directory, settings }));
    }
    return evaluations;
  } finally {
    await output.checkpoint.close();
  }
}

/** One entry of a recipe. The output has the input's tokenizer, so both are measured on the same tokens. */
interface EvaluationRequest {
  readonly entry: EvaluationRecipe['options'];
  readonly input: OpenedModel;
  readonly output: OpenedModel;
  readonly directory: string;
  readonly settings: RunSettings;
}

async function evaluatePerplexity(request: EvaluationRequest): Promise<Evaluation> {
  const { entry, input, output, directory, settings } = request;
  const { text, tokenized, tell } = await textOf(request);
  const measure = async (opened: OpenedModel, label: string) => {
    const result = await measurePerplexity({ opened, text: tokenized, entry, label, ...settings });
    tell(opened, result);
    return result;
  };
  const key = JSON.stringify([input.folder, directory, entry]);
  const before = settings.measured.get(key) ?? (await measure(input, 'Perplexity of the input'));
  settings.measured.set(key, before);
  return { text, before, after: await measure(output, 'Perplexity of the output') };
}

async function evaluateDivergence(request: EvaluationRequest): Promise<Evaluation> {
  const { entry, input, output, directory, settings } = request;
  const { text, tokenized, tell } = await textOf(request);
  const temporary = await mkdtemp(join(tmpdir(), 'compress-reference-'));
  try {
    const file = join(temporary, 'input.safetensors');
    const shared = { text: tokenized, entry, ...settings };
    const label = 'Perplexity of the input';
    const before = await keepReference({ ...shared, opened: input, name: input.folder, file, label });
    tell(input, before);
    const compared = { ...shared, opened: output, reference: file, directory, label: 'Divergence of the output' };
    const { perplexity: after, divergence } = await measureDivergence(compared);
    tell(output, after, divergence);
    return { text, before, after, divergence };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The name and the tokens of an entry's text, and how what was measured on it is told. */
async function textOf({ entry, input, directory, settings }: EvaluationRequest) {
  const text = basename((entry.text ?? entry.jsonl ?? entry.parquet)!);
  const tokenized = await settings.tokenize(entry, { directory, folder: input.folder });
  const tell = ({ folder }: OpenedModel, result: Perplexity, divergence?: Divergence) =>
    settings.onEvent({ type: 'evaluation', model: folder, text, result, ...(divergence && { divergence }) });
  return { text, tokenized, tell };
}

/** Calibrates and compresses, without any measure. */
export async function compressPrepared(
  { recipe, opened }: PreparedRun,
  settings: Omit<RunSettings, 'measured'>,
): Promise<CompressResult> {
  const { kernels, signal } = settings;
  const calibration = await calibrate(recipe, opened.folder, settings.tokenize);
  const show = showEvents(settings.progress, 'Compressing');
  return compress({
    model: opened.model,
    checkpoint: opened.checkpoint,
    source: opened.folder,
    output: recipe.output,
    pipeline: recipe.pipeline,
    allowReorder: recipe.allowReorder,
    format: recipe.format,
    ...(calibration && { calibration }),
    kernels,
    seed: recipe.seed,
    strict: recipe.strict,
    activationMemory: recipe.activationMemory,
    recipe: recipe.identity,
    versions: await packageVersions(recipe.pipeline.map(({ algorithm }) => algorithm.name)),
    onEvent: (event) => {
      show(event);
      settings.onEvent(event);
    },
    signal,
  });
}

/** The calibration windows, if any step of the pipeline wants to see them. */
async function calibrate(recipe: Recipe, folder: string, tokenize: Tokenize): Promise<Calibration | undefined> {
  const { calibration, pipeline, directory } = recipe;
  if (calibration === undefined || !pipeline.some(seesCalibration)) return undefined;
  const { tokens } = await tokenize(calibration, { directory, folder });
  return calibrationWindows(tokens, calibration);
}
