import {
  type Batch,
  type BufferPool,
  type Checkpoint,
  CompressError,
  createBufferPool,
  loadSection,
  type Model,
  runSection,
  type SectionProgram,
  type SectionWeights,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { likeliestToken } from '../choose-token.ts';
import type { EncodedPair } from './encode-pair.ts';

/** How likely a model finds a continuation. */
export interface ContinuationScore {
  /** log p(continuation | context), in nats: the sum over its tokens. */
  readonly logLikelihood: number;
  /** Each of its tokens is the likeliest where it stands. */
  readonly greedy: boolean;
}

/** What a model is asked to score. */
export interface ContinuationsRequest {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /** Contexts and continuations of at least one token each. */
  readonly pairs: readonly EncodedPair[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Bytes of residual stream that wait in memory between two sections; more pairs go through the model in several groups. */
const HIDDEN_BYTES = 128 * 2 ** 20;

/** Rows in a section at once. */
const BATCH_ROWS = 2048;

/** Bytes of logits that exist at one time. */
const LOGIT_BYTES = 32 * 2 ** 20;

/** One pair on its way: what the model reads, and the tokens that come after its last rows. */
interface Asked {
  readonly index: number;
  readonly input: Uint32Array;
  readonly scored: Uint32Array;
}

/**
 * The likelihood of every continuation after its context, section by section, with one section's weights in memory. A pair that is longer than the model's context loses the
 * beginning of its text, as in lm-eval. Only pairs of one length share a batch, so that nothing is padded. Throws `CompressError` `sequence-too-long`
 * where a continuation alone is, `not-finite`.
 */
export async function scoreContinuations(request: ContinuationsRequest): Promise<ContinuationScore[]> {
  const { model, checkpoint, kernels, pairs, signal } = request;
  const scores = new Array<ContinuationScore>(pairs.length);
  const groups = inGroups(
    pairs.map((pair, index) => cut(pair, index, model.contextLength)),
    Math.max(1, Math.floor(HIDDEN_BYTES / (4 * model.hiddenSize))),
  );
  const total = groups.flat().length * model.sections.length;
  const pool = createBufferPool(kernels);
  const weightPool = createBufferPool(kernels);
  let done = 0;
  for (const group of groups) {
    const batches = group.map((asked) => ({ asked, batch: batchOf(asked, model, kernels) }));
    for (const section of model.sections)
      await weightPool.run(async () => {
        const weights = await loadSection(checkpoint, section, weightPool.kernels);
        const program = model.open(section, weights, pool.kernels);
        for (const { asked, batch } of batches) {
          signal?.throwIfAborted();
          if (section.kind !== 'head') await pool.run(() => runSection(program, weights, batch, pool.kernels));
          else
            for (const score of await scoreBatch({ model, program, weights, batch, asked, pool }))
              scores[score.index] = score;
          done += 1;
          request.onProgress?.({ done, total });
        }
      });
  }
  const broken = scores.findIndex(({ logLikelihood }) => !Number.isFinite(logLikelihood));
  if (broken >= 0)
    throw new CompressError(
      'not-finite',
      `The model's logits for continuation ${broken} are not finite: its weights are broken, or overflow f32.`,
      { file: checkpoint.location },
    );
  return scores.map(({ logLikelihood, greedy }) => ({ logLikelihood, greedy }));
}

function cut({ context, continuation }: EncodedPair, index: number, most: number): Asked {
  if (continuation.length === 0 || context.length === 0)
    throw new RangeError(`pair ${index} has no ${context.length === 0 ? 'context' : 'continuation'}`);
  if (continuation.length > most)
    throw new CompressError(
      'sequence-too-long',
      `A continuation of ${continuation.length} tokens is longer than the model's context of ${most}; use a shorter one.`,
    );
  const whole = Uint32Array.of(...context, ...continuation).subarray(-(most + 1));
  return { index, input: whole.slice(0, -1), scored: continuation };
}

/** Groups of at most so many tokens (or one batch), cut into batches of pairs of one length, longest first. */
function inGroups(asked: readonly Asked[], mostTokens: number): Asked[][][] {
  const sorted = asked.toSorted((a, b) => b.input.length - a.input.length || a.index - b.index);
  const groups: Asked[][][] = [];
  let tokens = Number.POSITIVE_INFINITY;
  for (const one of sorted) {
    const { length } = one.input;
    const last = groups.at(-1)?.at(-1);
    if (tokens + length > mostTokens) {
      groups.push([[one]]);
      tokens = 0;
    } else if (last?.[0].input.length === length && (last.length + 1) * length <= BATCH_ROWS) last.push(one);
    else groups.at(-1)!.push([one]);
    tokens += length;
  }
  return groups;
}

function batchOf(asked: readonly Asked[], { hiddenSize }: Model, kernels: Kernels): Batch {
  const { length } = asked[0].input;
  const tokens = new Uint32Array(asked.length * length);
  for (const [sequence, { input }] of asked.entries()) tokens.set(input, sequence * length);
  return {
    sequences: asked.length,
    length,
    tokens,
    hidden: kernels.matrix(tokens.length, hiddenSize),
    state: new Map(),
  };
}

/** Scores of a batch that stands before the head. The rows that say something of continuations are gathered, so that logits are made of many at a time. */
async function scoreBatch(p: {
  readonly model: Model;
  readonly program: SectionProgram;
  readonly weights: SectionWeights;
  readonly batch: Batch;
  readonly asked: readonly Asked[];
  readonly pool: BufferPool;
}): Promise<(ContinuationScore & { readonly index: number })[]> {
  const { model, program, weights, batch, asked, pool } = p;
  const { length, hidden } = batch;
  const places = asked.flatMap(({ scored }, sequence) =>
    Array.from(scored, (token, i) => ({ sequence, token, row: (sequence + 1) * length - scored.length + i })),
  );
  const sums = asked.map(({ index }) => ({ index, logLikelihood: 0, greedy: true }));
  const tileRows = Math.max(1, Math.floor(LOGIT_BYTES / (4 * model.vocabularySize)));
  for (let start = 0; start < places.length; start += tileRows) {
    const tile = places.slice(start, start + tileRows);
    await pool.run(async () => {
      const logits = await model.logits(program, weights, gather(hidden, tile, pool.kernels), pool.kernels);
      const picked = Uint32Array.from(tile, ({ token }) => token);
      const logProbabilities = await pool.kernels.logSoftmaxPick({ logits, picked });
      for (const [i, { sequence, token }] of tile.entries()) {
        const row = logits.data.subarray(i * logits.columns, (i + 1) * logits.columns);
        sums[sequence].logLikelihood += logProbabilities[i];
        sums[sequence].greedy &&= likeliestToken(row) === token;
      }
    });
  }
  return sums;
}

function gather({ columns, data }: Matrix, places: readonly { readonly row: number }[], kernels: Kernels): Matrix {
  const gathered = kernels.matrix(places.length, columns);
  for (const [i, { row }] of places.entries())
    gathered.data.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  return gathered;
}
