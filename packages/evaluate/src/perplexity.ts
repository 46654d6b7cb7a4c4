import { meanFigure } from './mean-figure.ts';
import type { WindowOptions } from './plan-windows.ts';
import { checkedWindows, scoreText, type TextRequest, type TokenScores } from './score-text.ts';

/** What perplexity is measured of, and on what. */
export interface PerplexityRequest extends TextRequest {
  /** Bytes of text that each token stands for, by id; with it there are bits per byte. */
  readonly tokenBytes?: Uint16Array;
  /** Is shown the scores that the measure is made from. */
  readonly onScores?: (scores: TokenScores) => Promise<void> | void;
}

/** A perplexity and what it was made from. */
export interface Perplexity {
  /** exp(nll) */
  readonly perplexity: number;
  /** Mean negative log-likelihood of a scored token, in nats. */
  readonly nll: number;
  /** Sum of the negative log-likelihoods in bits over the bytes of text that the scored tokens stand for. */
  readonly bitsPerByte?: number;
  /** How many tokens were scored. */
  readonly tokens: number;
  /** The bytes that they stand for. */
  readonly bytes?: number;
  readonly windows: number;
  readonly context: number;
  readonly stride?: number;
  readonly scoreFrom?: number;
  readonly bos?: number;
  /** Standard error of `nll` if tokens were independent (they are not quite, so it is somewhat too small). */
  readonly standardError: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/**
 * Perplexity of a text, window by window (see `WindowOptions`): unless `stride` or `scoreFrom` say otherwise, windows do not overlap and in each the
 * tokens 1 .. context - 1 are scored, each from all that stand before it in that window. The forward pass is f32, sums are f64.
 *
 * The model is walked section by section, so that one section's weights are in memory and no more. Throws as `scoreText`.
 */
export async function perplexity(request: PerplexityRequest): Promise<Perplexity> {
  const started = performance.now();
  const scores = await scoreText(request);
  const seconds = (performance.now() - started) / 1000;
  await request.onScores?.(scores);
  return perplexityOf(scores, { ...request, windows: checkedWindows(request).length, seconds });
}

/** The perplexity that scores make. */
export function perplexityOf(
  { tokens, nll: values }: TokenScores,
  p: WindowOptions & {
    /** How many there were. */
    readonly windows: number;
    /** As in {@link PerplexityRequest}. */
    readonly tokenBytes?: Uint16Array;
    /** What the scoring took. */
    readonly seconds: number;
  },
): Perplexity {
  const { context, stride, scoreFrom, bos, tokenBytes, windows, seconds } = p;
  const { mean: nll, standardError } = meanFigure(values);
  const bytes = tokenBytes && tokens.reduce((sum, token) => sum + tokenBytes[token], 0);
  return {
    perplexity: Math.exp(nll),
    nll,
    ...(bytes !== undefined && { bitsPerByte: (nll * values.length) / Math.LN2 / bytes, bytes }),
    tokens: values.length,
    windows,
    context,
    ...(stride !== undefined && { stride }),
    ...(scoreFrom !== undefined && { scoreFrom }),
    ...(bos !== undefined && { bos }),
    standardError,
    seconds,
    tokensPerSecond: values.length / seconds,
  };
}
