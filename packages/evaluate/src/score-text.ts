import { type Checkpoint, CompressError, type Model } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { planWindows, type Window, type WindowOptions } from './plan-windows.ts';
import { scoreSequences } from './score-sequences.ts';

/** What is measured, and on what. */
export interface TextRequest extends WindowOptions {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /** The whole text, tokenized without special tokens. */
  readonly tokens: Uint32Array;
  readonly signal?: AbortSignal;
  /** Called after each piece of work; `done / total` is the share of the multiplications behind us. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a model thinks of each scored token of a text, in the order of the text. */
export interface TokenScores {
  /** Where the token stands in the text, counted from 0: `[scored]`. */
  readonly positions: Uint32Array;
  /** Its id, `[scored]`. */
  readonly tokens: Uint32Array;
  /** Its negative log-likelihood in nats, `[scored]`. */
  readonly nll: Float64Array;
}

/**
 * Scores the tokens of a text window by window. The forward pass is f32, sums are f64; windows do not see one another.
 *
 * Throws `CompressError` `text-too-short`, `context-too-long`, `token-unknown`, `not-finite`, and what reading tensors throws.
 */
export async function scoreText(request: TextRequest): Promise<TokenScores> {
  const windows = checkedWindows(request);
  return { ...scoredTokens(windows), nll: await scoreSequences({ ...request, sequences: windows }) };
}

/** The windows of a text, which the model can take. Throws as {@link scoreText} does before any work. */
export function checkedWindows({ model, tokens, ...options }: Omit<TextRequest, 'checkpoint' | 'kernels'>): Window[] {
  const { context, bos } = options;
  if (context > model.contextLength) {
    throw new CompressError(
      'context-too-long',
      `A context of ${context} tokens is more than the model's ${model.contextLength}; use at most that.`,
    );
  }
  const windows = planWindows(tokens, options);
  const end = Math.max(...windows.map((window) => window.start + window.tokens.length));
  const unknown = tokens.subarray(0, end).findIndex((token) => token >= model.vocabularySize);
  if (unknown !== -1) {
    throw new CompressError(
      'token-unknown',
      `Token ${tokens[unknown]} at position ${unknown} is outside the model's vocabulary of ${model.vocabularySize}: text and model have different tokenizers.`,
    );
  }
  if (bos !== undefined && bos >= model.vocabularySize) {
    throw new CompressError(
      'token-unknown',
      `The beginning token ${bos} is outside the model's vocabulary of ${model.vocabularySize}.`,
    );
  }
  return windows;
}

/** The tokens that windows score, and where they stand in the text. */
export function scoredTokens(windows: readonly Window[]): Pick<TokenScores, 'positions' | 'tokens'> {
  const count = windows.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
  const positions = new Uint32Array(count);
  const tokens = new Uint32Array(count);
  let next = 0;
  for (const window of windows)
    for (let at = window.from; at < window.tokens.length; at++, next++) {
      positions[next] = window.start + at;
      tokens[next] = window.tokens[at];
    }
  return { positions, tokens };
}
