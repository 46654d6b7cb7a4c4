import { CompressError } from '@compress/core';
import { visitLogits } from '../head-blocks.ts';
import { largestOfRow } from '../largest-of-row.ts';
import { checkFinite } from '../score-sequences.ts';
import type { Sequence, SequenceWalk } from '../sequence.ts';
import { createSoftmaxRows } from '../softmax-rows.ts';
import { type HeadGroup, walkSequences } from '../walk-sequences.ts';
import type { EncodedPair } from './encode-pair.ts';

/** How likely a model finds a continuation. */
export interface ContinuationScore {
  /** log p(continuation | context), in nats: the sum over its tokens. */
  readonly logLikelihood: number;
  /** Each of its tokens is the likeliest where it stands. */
  readonly greedy: boolean;
}

/** What a model is asked to score. */
export interface ContinuationsRequest extends Omit<SequenceWalk, 'sequences'> {
  /** Contexts and continuations of at least one token each. */
  readonly pairs: readonly EncodedPair[];
}

/**
 * The likelihood of every continuation after its context. A pair of more tokens than the model's context loses the beginning of its text (lm-eval keeps one token more, since
 * it does not run the last). Only pairs of one length share a batch, so nothing is padded. Throws `CompressError` `token-unknown`, `not-finite`,
 * `sequence-too-long` where a continuation leaves no room for a context, and what reading tensors throws.
 */
export async function scoreContinuations({ pairs, ...walk }: ContinuationsRequest): Promise<ContinuationScore[]> {
  const asked = pairs
    .map((pair, index) => ({ index, ...sequenceOf(pair, index, walk.model.contextLength) }))
    .sort((a, b) => b.tokens.length - a.tokens.length || a.index - b.index);
  const scored = asked.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
  const [nll, greedy] = [new Float64Array(scored), new Uint8Array(scored)];
  const sequenceWalk = { ...walk, sequences: asked };
  await walkSequences(sequenceWalk, {
    atHead: async (group) => {
      const { first } = group;
      const tokens = await scoreTokens(sequenceWalk, group);
      nll.set(tokens.nll, first);
      greedy.set(tokens.greedy, first);
    },
  });
  checkFinite(sequenceWalk, nll);
  const scores = new Array<ContinuationScore>(pairs.length);
  let first = 0;
  for (const { index, tokens, from } of asked) {
    const end = first + tokens.length - from;
    scores[index] = {
      logLikelihood: -nll.subarray(first, end).reduce((sum, value) => sum + value, 0),
      greedy: greedy.subarray(first, end).every((likeliest) => likeliest === 1),
    };
    first = end;
  }
  return scores;
}

function sequenceOf({ context, continuation }: EncodedPair, index: number, most: number): Sequence {
  if (continuation.length === 0 || context.length === 0)
    throw new RangeError(`pair ${index} has no ${context.length === 0 ? 'context' : 'continuation'}`);
  if (continuation.length >= most)
    throw new CompressError(
      'sequence-too-long',
      `A continuation of ${continuation.length} tokens fills the model's context of ${most}; use a shorter one.`,
    );
  const tokens = Uint32Array.of(...context, ...continuation).slice(-most);
  return { tokens, from: tokens.length - continuation.length };
}

/** Of each target of a group its negative log-likelihood, and 1 where it is the likeliest token. */
async function scoreTokens(
  { checkpoint, kernels, signal }: SequenceWalk,
  { section, normed, targets, progress }: HeadGroup,
): Promise<{ readonly nll: Float64Array; readonly greedy: Uint8Array }> {
  const softmax = createSoftmaxRows(targets);
  const largest = new Float64Array(targets.length).fill(Number.NEGATIVE_INFINITY);
  const greedy = new Uint8Array(targets.length);
  const heads = [{ checkpoint, linear: section.sites[0].linears[0], normed }];
  await visitLogits({ heads, kernels, signal, progress }, async ({ logits: [logits], row, id, kernels: own }) => {
    await softmax.add(logits, { row, id }, own);
    for (let r = 0; r < logits.rows; r++) {
      const { value, column } = largestOfRow(logits, r);
      if (value <= largest[row + r]) continue;
      largest[row + r] = value;
      greedy[row + r] = Number(id + column === targets[row + r]);
    }
  });
  return { nll: softmax.nll(), greedy };
}
