import { CompressError } from '@compress/core';
import { visitLogits } from './head-blocks.ts';
import type { SequenceWalk } from './sequence.ts';
import { createSoftmaxRows } from './softmax-rows.ts';
import { type HeadGroup, walkSequences } from './walk-sequences.ts';

/**
 * Negative log-likelihood, in nats, of every token that is scored: those of the first sequence, then those of the second, and so on. The forward
 * pass is f32, the softmax's sums are f64. Throws `CompressError` `token-unknown`, `not-finite`, and what reading tensors throws.
 */
export async function scoreSequences(walk: SequenceWalk): Promise<Float64Array> {
  const scored = walk.sequences.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
  const nll = new Float64Array(scored);
  await walkSequences(walk, { atHead: async (group) => nll.set(await scoreGroup(walk, group), group.first) });
  checkFinite(walk, nll);
  return nll;
}

/** Negative log-likelihood of each target of a group. */
export async function scoreGroup(
  { checkpoint, kernels, signal }: SequenceWalk,
  { section, normed, targets, progress }: HeadGroup,
): Promise<Float64Array> {
  const softmax = createSoftmaxRows(targets);
  const heads = [{ checkpoint, linear: section.sites[0].linears[0], normed }];
  await visitLogits({ heads, kernels, signal, progress }, async ({ logits: [logits], kernels: own, ...at }) => {
    await softmax.add(logits, at, own);
  });
  return softmax.nll();
}

/** Throws `CompressError` `not-finite` that names the window where a likelihood is not a number. */
export function checkFinite({ checkpoint, sequences }: SequenceWalk, nll: Float64Array): void {
  const at = nll.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  let end = 0;
  const index = sequences.findIndex(({ tokens, from }) => {
    end += tokens.length - from;
    return at < end;
  });
  throw new CompressError(
    'not-finite',
    `The model's logits in window ${index} are not finite: its weights are broken, or overflow f32.`,
    { file: checkpoint.location },
  );
}
