import { CompressError } from '@compress/core';
import { visitLogits } from './head-blocks.ts';
import { logAddExp } from './log-add-exp.ts';
import type { SequenceWalk } from './sequence.ts';
import { type HeadGroup, walkSequences } from './walk-sequences.ts';

/**
 * Negative log-likelihood, in nats, of every token that is scored: those of the first sequence, then those of the second, and so on. The forward
 * pass is f32, the softmax's sums are f64. Throws `CompressError` `token-unknown`, `not-finite`, and what reading tensors throws.
 */
export async function scoreSequences(walk: SequenceWalk): Promise<Float64Array> {
  const scored = walk.sequences.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0);
  const nll = new Float64Array(scored);
  await walkSequences(walk, async (group) => nll.set(await scoreGroup(walk, group), group.first));
  checkFinite(walk, nll);
  return nll;
}

/** -log softmax(logits)[target] by rows: the logarithms of the tiles' sums are added up as the tiles come. */
async function scoreGroup(
  { checkpoint, kernels, signal }: SequenceWalk,
  { section, normed, targets, progress }: HeadGroup,
): Promise<Float64Array> {
  const logSum = new Float64Array(targets.length).fill(Number.NEGATIVE_INFINITY);
  const targetLogit = new Float64Array(targets.length);
  await visitLogits(
    { checkpoint, section, normed, kernels, signal, progress },
    async ({ logits, row, id, kernels }) => {
      const { rows, columns, data } = logits;
      const inTile = (target: number) => target >= id && target < id + columns;
      // Where the target is elsewhere, any logit will do to get at the logarithm of the tile's sum.
      const picked = targets.subarray(row, row + rows).map((target) => (inTile(target) ? target - id : 0));
      const logProbabilities = await kernels.logSoftmaxPick({ logits, picked });
      for (let r = 0; r < rows; r++) {
        const logit = data[r * columns + picked[r]];
        logSum[row + r] = logAddExp(logSum[row + r], logit - logProbabilities[r]);
        if (inTile(targets[row + r])) targetLogit[row + r] = logit;
      }
    },
  );
  return logSum.map((sum, i) => sum - targetLogit[i]);
}

function checkFinite({ checkpoint, sequences }: SequenceWalk, nll: Float64Array): void {
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
