import { basename } from 'node:path';
import { type Calibration, type CompressResult, compress, type RunEvent } from '@compress/core';
import type { Perplexity } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { measurePerplexity } from '../model/measure-perplexity.ts';
import { openModel } from '../model/open-model.ts';
import type { Progress } from '../progress/progress.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { PerplexityRecipe } from '../recipe/schema.ts';
import { calibrationWindows } from '../text/calibration.ts';
import { readText } from '../text/read-text.ts';
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
}

/** Everything that happens, for `--events`: the walk's events and what the app does around it. */
export type AppEvent =
  | RunEvent
  | { readonly type: 'evaluation'; readonly model: string; readonly text: string; readonly result: Perplexity };

export interface RunSettings {
  readonly kernels: Kernels;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  onEvent(event: AppEvent): void;
  /** Measures of inputs that earlier runs of this process made, by {@link measureKey}; grows. */
  readonly measured?: Map<string, Perplexity>;
}

/** The whole way of a recipe: plan, calibrate, compress, measure before and after. */
export async function runRecipe(recipe: Recipe, settings: RunSettings): Promise<RunOutcome> {
  const { kernels, progress } = settings;
  const prepared = await prepareRun(recipe, kernels, progress.log);
  const { opened } = prepared;
  try {
    const result = await compressPrepared(prepared, settings);
    const output = await openModel(recipe.output, { directory: recipe.directory, note: progress.log });
    try {
      const evaluations: Evaluation[] = [];
      for (const entry of recipe.perplexity) {
        const text = textName(entry);
        const key = JSON.stringify([opened.folder, recipe.directory, entry]);
        const measure = async (target: typeof opened, which: string) => {
          const label = `Perplexity of the ${which}`;
          const measured = await measurePerplexity({
            opened: target,
            recipe: entry,
            directory: recipe.directory,
            label,
            ...settings,
          });
          settings.onEvent({ type: 'evaluation', model: target.folder, text, result: measured });
          return measured;
        };
        const before = settings.measured?.get(key) ?? (await measure(opened, 'input'));
        settings.measured?.set(key, before);
        evaluations.push({ text, before, after: await measure(output, 'output') });
      }
      return { ...result, recipe, architecture: opened.model.architecture, evaluations };
    } finally {
      await output.checkpoint.close();
    }
  } finally {
    await opened.checkpoint.close();
  }
}

async function compressPrepared({ recipe, opened }: PreparedRun, settings: RunSettings): Promise<CompressResult> {
  const { kernels, progress, signal } = settings;
  const calibration = await readCalibration(recipe, opened.folder);
  const show = showEvents(progress);
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
async function readCalibration(
  { calibration, pipeline, directory }: Recipe,
  folder: string,
): Promise<Calibration | undefined> {
  const observed = pipeline.some(({ algorithm, options }) => (algorithm.observes?.(options) ?? []).length > 0);
  if (calibration === undefined || !observed) return undefined;
  const text = await readText(calibration, directory);
  return calibrationWindows((await openTokenizer(folder)).encode(text, { special: false }), calibration);
}

function textName({ text, jsonl, parquet }: PerplexityRecipe): string {
  return basename((text ?? jsonl ?? parquet)!);
}
