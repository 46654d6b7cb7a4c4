import {
  type Batch,
  type Checkpoint,
  CompressError,
  createBufferPool,
  loadSection,
  type Model,
  runSection,
} from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { scoreBatch } from './score-batch.ts';

/** What is measured, and on what. */
/** What perplexity is measured of, and on what. */
export interface PerplexityRequest {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /** The whole text, tokenized without special tokens. */
  readonly tokens: Uint32Array;
  /** Tokens a window. */
  readonly context: number;
  /** Windows taken from the start of the text; absent: as many as are whole. */
  readonly windows?: number;
  readonly signal?: AbortSignal;
  /** Called after each piece of work; `done / total` is the share of the multiplications behind us. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** The measure, and what it was taken on. */
/** A perplexity and what it was made from. */
export interface Perplexity {
  /** exp(nll) */
  readonly perplexity: number;
  /** Mean negative log-likelihood of a scored token, in nats. */
  readonly nll: number;
  /** How many tokens were scored: windows x (context - 1). */
  readonly tokens: number;
  readonly windows: number;
  readonly context: number;
  /** Standard error of `nll` if tokens were independent (they are not quite, so it is somewhat too small). */
  readonly standardError: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/** Bytes of residual stream that wait in memory between two sections; longer texts go through the model in several groups of windows. */
const HIDDEN_BYTES = 128 * 2 ** 20;

/** Rows in a section at once: enough to fill the kernels' tiles, few enough that a feed-forward's inner activations stay small. */
const BATCH_ROWS = 2048;

/**
 * Perplexity over non-overlapping windows from the start of the text. In each window the tokens 1 .. context - 1 are scored, each from
 * all that stand before it in that window. The forward pass is f32, sums are f64.
 *
 * The model is walked section by section, so that one section's weights are in memory and no more.
 *
 * Throws `CompressError` `text-too-short`, `context-too-long`, `token-unknown` or `not-finite`.
 */
export async function perplexity(request: PerplexityRequest): Promise<Perplexity> {
  const { model, checkpoint, kernels, context, signal } = request;
  const windows = countWindows(request);
  const started = performance.now();
  const nll = new Float64Array(windows * (context - 1));
  const total = model.sections.reduce((sum, section) => sum + work(section), 0) * windows;
  // One for what a batch makes, one for what a section is read into.
  const pool = createBufferPool(kernels);
  const weightPool = createBufferPool(kernels);
  let done = 0;

  const groupWindows = Math.max(1, Math.floor(HIDDEN_BYTES / (4 * context * model.hiddenSize)));
  for (let first = 0; first < windows; first += groupWindows) {
    const batches = makeBatches(request, first, Math.min(windows, first + groupWindows));
    for (const section of model.sections)
      await weightPool.run(async () => {
        signal?.throwIfAborted();
        const weights = await loadSection(checkpoint, section, weightPool.kernels);
        const program = model.open(section, weights, pool.kernels);
        for (const { batch, from } of batches) {
          signal?.throwIfAborted();
          if (section.kind === 'head') {
            const scores = await scoreBatch({ model, program, weights, batch, pool });
            nll.set(scores, from * (context - 1));
          } else {
            await pool.run(() => runSection(program, weights, batch, pool.kernels));
          }
          done += batch.sequences * work(section);
          request.onProgress?.({ done, total });
        }
      });
  }

  const seconds = (performance.now() - started) / 1000;
  const { mean, standardError } = summarize(nll);
  if (!Number.isFinite(mean)) {
    const window = Math.floor(nll.findIndex((value) => !Number.isFinite(value)) / (context - 1));
    throw new CompressError(
      'not-finite',
      `The model's logits in window ${window} are not finite: its weights are broken, or overflow f32.`,
      { file: checkpoint.location },
    );
  }
  return {
    perplexity: Math.exp(mean),
    nll: mean,
    tokens: nll.length,
    windows,
    context,
    standardError,
    seconds,
    tokensPerSecond: nll.length / seconds,
  };
}

interface PlacedBatch {
  readonly batch: Batch;
  /** The first window in it. */
  readonly from: number;
}

/** Windows [start, end) in batches of about BATCH_ROWS tokens. */
function makeBatches(
  { model, kernels, tokens, context }: PerplexityRequest,
  start: number,
  end: number,
): PlacedBatch[] {
  const batches: PlacedBatch[] = [];
  const step = Math.max(1, Math.floor(BATCH_ROWS / context));
  for (let from = start; from < end; from += step) {
    const to = Math.min(end, from + step);
    const sequences = to - from;
    const batch = {
      sequences,
      length: context,
      tokens: tokens.slice(from * context, to * context),
      hidden: kernels.matrix(sequences * context, model.hiddenSize),
      state: new Map(),
    };
    batches.push({ batch, from });
  }
  return batches;
}

/** Multiplications a token, near enough for a progress bar. */
function work(section: Model['sections'][number]): number {
  return section.sites.reduce(
    (sum, site) => sum + site.linears.reduce((inner, linear) => inner + linear.inFeatures * linear.outFeatures, 0),
    1,
  );
}

function countWindows({ model, tokens, context, windows }: PerplexityRequest): number {
  if (!Number.isInteger(context) || context < 2) {
    throw new RangeError(`The context must be an integer of at least 2, not ${context}.`);
  }
  if (context > model.contextLength) {
    throw new CompressError(
      'context-too-long',
      `A context of ${context} tokens is more than the model's ${model.contextLength}; use at most that.`,
    );
  }
  const whole = Math.floor(tokens.length / context);
  const wanted = windows ?? Math.max(1, whole);
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new RangeError(`The number of windows must be an integer of at least 1, not ${wanted}.`);
  }
  if (wanted > whole) {
    throw new CompressError(
      'text-too-short',
      `The text has ${tokens.length} tokens, which make ${whole} ${whole === 1 ? 'window' : 'windows'} of ${context}; ${wanted} were asked for.`,
    );
  }
  const unknown = tokens.subarray(0, wanted * context).findIndex((token) => token >= model.vocabularySize);
  if (unknown !== -1) {
    throw new CompressError(
      'token-unknown',
      `Token ${tokens[unknown]} at position ${unknown} is outside the model's vocabulary of ${model.vocabularySize}: text and model have different tokenizers.`,
    );
  }
  return wanted;
}

function summarize(values: Float64Array): { mean: number; standardError: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length) };
}
