import { setImmediate } from 'node:timers/promises';
import { CompressError, type HeldModel, openSequence, randomStream } from '@compress/core';
import { drawToken, likeliestToken, type Sampling } from './choose-token.ts';

/** What a model shall go on from, and how. */
export interface GenerateRequest {
  readonly held: HeldModel;
  /** Token ids, special ones included; at least one. */
  readonly prompt: Uint32Array;
  /** At most so many new tokens. */
  readonly tokens: number;
  /** Absent: greedy, the likeliest token each time. */
  readonly sampling?: Sampling;
  /** Tokens that end the text; they are no part of it. */
  readonly stop?: readonly number[];
  readonly signal?: AbortSignal;
  /** Called with each new token as it comes. */
  readonly onToken?: (token: number) => void;
}

/** What a model said, and what that took. */
export interface Generation {
  /** The new ones. */
  readonly tokens: Uint32Array;
  /** Why it ends: a token of `stop`, as many tokens as asked for, or a full context. */
  readonly end: 'stop' | 'length' | 'context';
  readonly promptTokens: number;
  readonly promptSeconds: number;
  /** New tokens that were run to find the next one: all but the last. */
  readonly decodedTokens: number;
  readonly decodeSeconds: number;
  /** Tokens whose keys and values the cache holds at the end. */
  readonly cachedTokens: number;
  readonly cacheBytes: number;
}

/**
 * Goes on from a prompt token by token, with a cache of keys and values that is held as the model's inference says. Greedy tokens are those of the pass over the
 * whole text at every step. Throws `CompressError` `sequence-too-long` for a prompt beyond the context, `token-unknown`, `not-finite`.
 */
export async function generate(request: GenerateRequest): Promise<Generation> {
  const { held, prompt, signal, stop = [] } = request;
  if (!Number.isInteger(request.tokens) || request.tokens < 1)
    throw new RangeError(`The number of new tokens must be an integer of at least 1, not ${request.tokens}.`);
  const choose = chooser(request.sampling);
  const sequence = openSequence(held);
  const tokens: number[] = [];
  const started = performance.now();
  let logits = await sequence.append(prompt);
  const prompted = performance.now();
  let end: Generation['end'] | undefined;
  while (end === undefined) {
    // Small models never leave the calling thread: without a turn of the event loop nobody hears an interruption.
    await setImmediate();
    signal?.throwIfAborted();
    checkFinite(logits, sequence.tokens);
    const token = choose(logits);
    if (stop.includes(token)) end = 'stop';
    else {
      tokens.push(token);
      request.onToken?.(token);
      if (tokens.length === request.tokens) end = 'length';
      else if (sequence.tokens === held.model.contextLength) end = 'context';
      else logits = await sequence.append(Uint32Array.of(token));
    }
  }
  return {
    tokens: Uint32Array.from(tokens),
    end,
    promptTokens: prompt.length,
    promptSeconds: (prompted - started) / 1000,
    decodedTokens: sequence.tokens - prompt.length,
    decodeSeconds: (performance.now() - prompted) / 1000,
    cachedTokens: sequence.tokens,
    cacheBytes: sequence.cacheBytes,
  };
}

function chooser(sampling: Sampling | undefined): (logits: Float32Array) => number {
  if (!sampling) return likeliestToken;
  const { uniform } = randomStream('generate', sampling.seed);
  return (logits) => drawToken(logits, sampling, uniform());
}

function checkFinite(logits: Float32Array, tokens: number): void {
  if (logits.every(Number.isFinite)) return;
  throw new CompressError(
    'not-finite',
    `The model's logits after ${tokens} tokens are not finite: its weights are broken, or overflow f32.`,
  );
}
