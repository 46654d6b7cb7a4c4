import { CompressError } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { visitLogits } from './head-blocks.ts';
import { largestOfRow } from './largest-of-row.ts';
import { rowsOf } from './make-batches.ts';
import { meanFigure } from './mean-figure.ts';
import { type Reference, referenceHead, referenceHidden, referenceStream } from './reference-file.ts';
import { samplePositions, visitSamples } from './sample-rows.ts';
import { checkFinite } from './score-sequences.ts';
import { checkedWindows, scoredTokens, type TextRequest, type TokenScores } from './score-text.ts';
import { createSoftmaxRows } from './softmax-rows.ts';
import { type HeadGroup, walkSequences } from './walk-sequences.ts';

/** How far a model's distributions are from a reference's, over the scored tokens of a text. */
export interface Divergence {
  /** KL(reference || model) of a token's distribution, in nats. */
  readonly kl: {
    readonly mean: number;
    readonly standardError: number;
    readonly median: number;
    /** The 99th percentile. */
    readonly p99: number;
    readonly max: number;
    /** Where in the text the token of `max` stands. */
    readonly maxPosition: number;
  };
  /** Share of tokens for which both models have the same most likely token. */
  readonly top1Agreement: number;
  /** How many tokens that is not so for; of them, those where the reference was right and the model is not, and the other way round. */
  readonly flips: { readonly all: number; readonly lost: number; readonly won: number };
  /**
   * Of every window, how many scored tokens come before the first at which the most likely tokens differ: both models read the text (teacher-forced), neither what it
   * would have said. A window without such a token counts with all of its scored tokens, and in `whole`.
   */
  readonly agreedTokens: { readonly mean: number; readonly least: number; readonly whole: number };
  /** Cosine between the residual streams of both after each section, over up to 256 positions; empty where the models have other sections or widths. */
  readonly sections: readonly { readonly section: string; readonly mean: number; readonly least: number }[];
}

/** By token: what {@link Divergence} sums up. */
interface TokenDivergences {
  readonly kl: Float64Array;
  /** The most likely token of the reference and of the model. */
  readonly reference: Uint32Array;
  readonly own: Uint32Array;
}

/**
 * Runs a model over the text of a reference and holds its distributions against it. The same model gives a divergence of exactly 0. Throws as `scoreText`, and
 * `CompressError` `reference-vocabulary`.
 */
export async function compareWithReference(
  request: TextRequest & { readonly reference: Reference },
): Promise<{ readonly divergence: Divergence; readonly scores: TokenScores }> {
  const { reference, model } = request;
  checkVocabulary(request);
  const windows = checkedWindows(request);
  const { positions, tokens } = scoredTokens(windows);
  const nll = new Float64Array(tokens.length);
  const by: TokenDivergences = {
    kl: new Float64Array(tokens.length),
    reference: new Uint32Array(tokens.length),
    own: new Uint32Array(tokens.length),
  };
  const samples = samplePositions(rowsOf(windows));
  const cosines = new Map<string, Float64Array>();
  const walk = { ...request, sequences: windows };
  let stream: Float32Array | undefined;
  await walkSequences(walk, {
    afterSection: async (section, rows, firstRow) => {
      stream = await referenceStream(reference, section.name);
      if (stream?.length !== samples.length * model.hiddenSize) return;
      const own = cosines.get(section.name) ?? new Float64Array(samples.length);
      cosines.set(section.name, own);
      const there = stream;
      await visitSamples(samples, (_, sample, row) => {
        own[sample] = cosine(there.subarray(sample * row.length, (sample + 1) * row.length), row);
      })(section, rows, firstRow);
    },
    atHead: async (group) => nll.set(await compareGroup(request, group, by), group.first),
  });
  checkFinite(walk, nll);
  const sections = [...cosines].map(([section, values]) => ({
    section,
    mean: meanFigure(values).mean,
    least: values.reduce((least, value) => Math.min(least, value)),
  }));
  const counts = windows.map((window) => window.tokens.length - window.from);
  return {
    divergence: { ...summarize(by, { tokens, positions, counts }), sections },
    scores: { positions, tokens, nll },
  };
}

function checkVocabulary({ model, reference }: TextRequest & { readonly reference: Reference }): void {
  const { outFeatures } = referenceHead(reference);
  if (outFeatures === model.vocabularySize) return;
  throw new CompressError(
    'reference-vocabulary',
    `The reference has a vocabulary of ${outFeatures} tokens and the model one of ${model.vocabularySize}: their distributions cannot be compared.`,
    { file: reference.checkpoint.location },
  );
}

/**
 * KL(P || Q) = sum p (x - y) - log sum e^x + log sum e^y for logits x of the reference and y of the model. The mean of x - y is gathered tile by tile, weighted anew
 * as the sum under it grows. Returns the model's negative log-likelihoods.
 */
async function compareGroup(
  { checkpoint, kernels, signal, reference }: TextRequest & { readonly reference: Reference },
  { section, normed, targets, first, progress }: HeadGroup,
  by: TokenDivergences,
): Promise<Float64Array> {
  const linear = referenceHead(reference);
  const hidden = await referenceHidden(reference, first, first + targets.length);
  const there = { rows: targets.length, columns: linear.inFeatures, data: hidden };
  const heads = [
    { checkpoint: reference.checkpoint, linear, normed: there },
    { checkpoint, linear: section.sites[0].linears[0], normed },
  ];
  const [theirs, ours] = [createSoftmaxRows(targets), createSoftmaxRows(targets)];
  const gap = new Float64Array(targets.length);
  const best = [theirs, ours].map(() => new Float64Array(targets.length).fill(Number.NEGATIVE_INFINITY));
  const top = [by.reference, by.own].map((ids) => ids.subarray(first, first + targets.length));
  await visitLogits({ heads, kernels, signal, progress }, async ({ logits: [x, y], row, id, kernels: own }) => {
    const before = theirs.logSum.slice(row, row + x.rows);
    const sums = await theirs.add(x, { row, id }, own);
    await ours.add(y, { row, id }, own);
    for (let r = 0; r < x.rows; r++) {
      const at = row + r;
      const now = theirs.logSum[at];
      gap[at] = gap[at] * Math.exp(before[r] - now) + meanGap(x, y, r, sums[r]) * Math.exp(sums[r] - now);
      for (const [i, matrix] of [x, y].entries()) {
        const { value, column } = largestOfRow(matrix, r);
        if (value <= best[i][at]) continue;
        best[i][at] = value;
        top[i][at] = id + column;
      }
    }
  });
  for (let i = 0; i < targets.length; i++) by.kl[first + i] = gap[i] - theirs.logSum[i] + ours.logSum[i];
  return ours.nll();
}

/** sum e^(x - logSum) (x - y) over one row. */
function meanGap(x: Matrix, y: Matrix, row: number, logSum: number): number {
  const end = (row + 1) * x.columns;
  let sum = 0;
  for (let i = row * x.columns; i < end; i++) sum += Math.exp(x.data[i] - logSum) * (x.data[i] - y.data[i]);
  return sum;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return dot / Math.sqrt(aa * bb);
}

function summarize(
  { kl, reference, own }: TokenDivergences,
  of: { readonly tokens: Uint32Array; readonly positions: Uint32Array; readonly counts: readonly number[] },
): Omit<Divergence, 'sections'> {
  const sorted = kl.toSorted();
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const max = sorted.at(-1)!;
  let [all, lost, won] = [0, 0, 0];
  for (const [i, token] of of.tokens.entries()) {
    if (reference[i] === own[i]) continue;
    all++;
    if (reference[i] === token) lost++;
    if (own[i] === token) won++;
  }
  let start = 0;
  const agreed = of.counts.map((count) => {
    let length = 0;
    while (length < count && reference[start + length] === own[start + length]) length++;
    start += count;
    return length;
  });
  return {
    kl: {
      ...meanFigure(kl),
      median: quantile(0.5),
      p99: quantile(0.99),
      max,
      maxPosition: of.positions[kl.indexOf(max)],
    },
    top1Agreement: 1 - all / of.tokens.length,
    flips: { all, lost, won },
    agreedTokens: {
      mean: meanFigure(Float64Array.from(agreed)).mean,
      least: Math.min(...agreed),
      whole: agreed.filter((length, w) => length === of.counts[w]).length,
    },
  };
}
