import type { Perplexity } from '@compress/evaluate';
import type { Kernels } from '@compress/kernels';
import type { z } from 'zod';
import { measureDivergence } from '../model/measure-divergence.ts';
import { measurePerplexity } from '../model/measure-perplexity.ts';
import type { OpenedModel } from '../model/open-model.ts';
import type { Progress } from '../progress/progress.ts';
import { divergenceSchema, type PerplexityRecipe, perplexitySchema } from '../recipe/schema.ts';
import type { TextSource } from '../recipe/text-source.ts';
import type { Tokenize } from '../text/tokenize.ts';

/** What a measure is handed. */
export interface MeasureRequest<Options> {
  readonly options: Options;
  /** What is measured: the output, or the model itself. */
  readonly opened: OpenedModel;
  /** The model that the output was made of, for measures that compare. */
  readonly input: OpenedModel;
  /** What paths in the options start from. */
  readonly directory: string;
  /** Absolute. A file for what the measure finds out about the input alone: measures of its other outputs find it again, and the run takes it away. */
  readonly ofInput: string;
  readonly tokenize: Tokenize;
  readonly kernels: Kernels;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One number of a measure, as tables show it. */
export interface Metric {
  /** Its key in the results. */
  readonly key: string;
  readonly title: string;
  /** Places after the point. */
  readonly places: number;
  /** From the model as it is, which itself has 0: no ratio can be made of it. */
  readonly distance?: true;
}

/** A kind of measure that a matrix can ask for. Its numbers are the same on every machine with the same numerics mode: no times among them. */
export interface Measure<Options = unknown> {
  /** The key of a matrix's evaluation. */
  readonly name: string;
  readonly options: z.ZodType<Options>;
  /** The texts that it reads: their content, not their paths, is part of a cell's key. */
  sources(options: Options): readonly TextSource[];
  /** All else of the options that decides its numbers. */
  settings(options: Options): object;
  /** What stands in tables; the first is drawn against size, and of two the lower is the better. */
  readonly metrics: readonly [Metric, ...Metric[]];
  measure(request: MeasureRequest<Options>): Promise<Readonly<Record<string, number>>>;
}

/** Checks what is written here; the list then forgets the type of the options. */
function define<Options>(measure: Measure<Options>): Measure {
  return measure as Measure;
}

/** What decides the numbers of a measure on a text, beside the text. */
function windowSettings({
  text: _text,
  jsonl: _jsonl,
  parquet: _parquet,
  field: _field,
  ...settings
}: PerplexityRecipe) {
  return settings;
}

function perplexityFigures(measured: Perplexity) {
  const { perplexity, nll, standardError, bitsPerByte, tokens, windows, context } = measured;
  return {
    perplexity,
    nll,
    standardError,
    ...(bitsPerByte !== undefined && { bitsPerByte }),
    tokens,
    windows,
    context,
  };
}

const perplexityMetrics: readonly [Metric, Metric] = [
  { key: 'perplexity', title: 'perplexity', places: 3 },
  { key: 'bitsPerByte', title: 'bits per byte', places: 4 },
];

/** Every measure that a matrix can ask for. A new one is one more entry. */
export const measures: readonly Measure[] = [
  define({
    name: 'perplexity',
    options: perplexitySchema,
    sources: (options) => [options],
    settings: windowSettings,
    metrics: perplexityMetrics,
    measure: async ({ options, ...request }) => {
      const { directory, input, tokenize } = request;
      const text = await tokenize(options, { directory, folder: input.folder });
      return perplexityFigures(await measurePerplexity({ ...request, entry: options, label: 'Perplexity', text }));
    },
  }),
  define({
    name: 'divergence',
    options: divergenceSchema,
    sources: (options) => [options],
    settings: windowSettings,
    metrics: [
      { key: 'kl', title: 'KL', places: 5, distance: true },
      { key: 'klP99', title: 'KL, 99 %', places: 4 },
      { key: 'klMax', title: 'KL, largest', places: 3 },
      { key: 'top1Agreement', title: 'top-1 agreement', places: 4 },
      ...perplexityMetrics,
    ],
    measure: async ({ options, ...request }) => {
      const { directory, input, ofInput, tokenize } = request;
      const text = await tokenize(options, { directory, folder: input.folder });
      const { perplexity, divergence } = await measureDivergence({
        ...request,
        entry: options,
        label: 'Divergence',
        text,
        reference: input.folder,
        keep: ofInput,
      });
      const { kl, top1Agreement, flips, agreedTokens } = divergence;
      return {
        kl: kl.mean,
        klStandardError: kl.standardError,
        klMedian: kl.median,
        klP99: kl.p99,
        klMax: kl.max,
        top1Agreement,
        flips: flips.all,
        agreedTokens: agreedTokens.mean,
        ...perplexityFigures(perplexity),
      };
    },
  }),
];

/** The measure that an evaluation of a matrix asks for, and its options. */
export function measureOf(evaluation: Readonly<Record<string, unknown>>): {
  readonly measure: Measure;
  readonly options: unknown;
} {
  const [name, options] = Object.entries(evaluation)[0];
  return { measure: measures.find((candidate) => candidate.name === name)!, options };
}
