import { type Checkpoint, CompressError, type Model } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { scoreSequences } from './score-sequences.ts';

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

/**
 * Perplexity over non-overlapping windows from the start of the text. In each window the tokens 1 .. context - 1 are scored, each from
 * all that stand before it in that window. The forward pass is f32, sums are f64.
 *
 * The model is walked section by section, so that one section's weights are in memory and no more.
 *
 * Throws `CompressError` `text-too-short`, `context-too-long`, `token-unknown` or `not-finite`.
 */
export async function perplexity(request: PerplexityRequest): Promise<Perplexity> {
  const { tokens, context } = request;
  const windows = countWindows(request);
  const started = performance.now();
  const sequences = Array.from({ length: windows }, (_, i) => ({
    tokens: tokens.subarray(i * context, (i + 1) * context),
    from: 1,
  }));
  const nll = await scoreSequences({ ...request, sequences });
  const seconds = (performance.now() - started) / 1000;
  const { mean, standardError } = summarize(nll);
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
