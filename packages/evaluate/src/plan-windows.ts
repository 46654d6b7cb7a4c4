import { CompressError } from '@compress/core';
import type { Sequence } from './sequence.ts';

/** How a text is cut in windows, and which of their tokens are scored. */
export interface WindowOptions {
  /** Tokens a window. */
  readonly context: number;
  /**
   * Tokens from the beginning of one window to that of the next, at most `context`, as transformers' guide to perplexity has it: the first window scores all
   * that have a token before them, every later one its last `stride` tokens, and the last one ends with the text, however short it is.
   * Absent: windows do not overlap and are whole.
   */
  readonly stride?: number;
  /** Windows taken from the start of the text; absent: all. */
  readonly windows?: number;
  /** The first position in a window, counted from 0, whose token is scored. Not with `stride`. @default 1 */
  readonly scoreFrom?: number;
  /** The id of a token that takes the place of the first token of every window, as in llama.cpp; absent: the text as it is. */
  readonly bos?: number;
}

/** A window of a text. */
export interface Window extends Sequence {
  /** Position of its first token in the text. */
  readonly start: number;
}

/**
 * The windows of a text. Throws `CompressError` `text-too-short`; a `RangeError` for options that cannot be.
 */
export function planWindows(text: Uint32Array, options: WindowOptions): Window[] {
  check(options);
  const { context, stride, windows, bos } = options;
  const all = stride === undefined ? wholeWindows(text, options) : stridedWindows(text, { context, stride });
  const wanted = windows ?? Math.max(1, all.length);
  if (wanted > all.length) {
    const made = `${all.length} ${all.length === 1 ? 'window' : 'windows'} of ${context}`;
    throw new CompressError(
      'text-too-short',
      `The text has ${text.length} tokens, which make ${made}; ${wanted} ${wanted === 1 ? 'was' : 'were'} asked for.`,
    );
  }
  const taken = all.slice(0, wanted);
  return bos === undefined ? taken : taken.map((window) => ({ ...window, tokens: beginWith(bos, window.tokens) }));
}

function wholeWindows(text: Uint32Array, { context, scoreFrom = 1 }: WindowOptions): Window[] {
  return Array.from({ length: Math.floor(text.length / context) }, (_, i) => ({
    start: i * context,
    tokens: text.subarray(i * context, (i + 1) * context),
    from: scoreFrom,
  }));
}

function stridedWindows(text: Uint32Array, { context, stride }: { context: number; stride: number }): Window[] {
  const windows: Window[] = [];
  for (let start = 0, scored = 0; scored < text.length; start += stride) {
    const end = Math.min(text.length, start + context);
    // Without overlap the first token of a window has nothing before it, in any window.
    const from = Math.max(1, scored - start);
    if (from < end - start) windows.push({ start, tokens: text.subarray(start, end), from });
    scored = end;
  }
  return windows;
}

function beginWith(bos: number, tokens: Uint32Array): Uint32Array {
  const changed = tokens.slice();
  changed[0] = bos;
  return changed;
}

function check({ context, stride, windows, scoreFrom }: WindowOptions): void {
  const whole = (name: string, value: number | undefined, least: number, most = Number.POSITIVE_INFINITY) => {
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
    const upper = most === Number.POSITIVE_INFINITY ? '' : ` and at most ${most}`;
    throw new RangeError(`The ${name} must be a whole number of at least ${least}${upper}, not ${value}.`);
  };
  whole('context', context, 2);
  whole('stride', stride, 1, context);
  whole('number of windows', windows, 1);
  whole('position to score from', scoreFrom, 1, context - 1);
  if (stride !== undefined && scoreFrom !== undefined)
    throw new RangeError(
      'A stride says which tokens of a window are scored: give no position to score from beside it.',
    );
}
