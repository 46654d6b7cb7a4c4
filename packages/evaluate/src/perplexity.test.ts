import { createReferenceKernels } from '@compress/kernels';
import { describe, expect, it } from 'vitest';
import { perplexity } from './perplexity.ts';
import { planWindows } from './plan-windows.ts';
import { scoreText, type TokenScores } from './score-text.ts';
import { nllOf, tinyModel, tinyWeights } from './tiny-model.test.fixture.ts';

const VOCABULARY = 11;
const HIDDEN = 4;
const kernels = createReferenceKernels();
const weights = tinyWeights(VOCABULARY, HIDDEN);
const text = Uint32Array.from({ length: 6000 }, (_, i) => (i * i + 3 * i) % VOCABULARY);

describe('perplexity', () => {
  it('is the size of the vocabulary when all logits are equal', async () => {
    const flat = tinyModel({ ...weights, 'head.weight': new Float32Array(VOCABULARY * HIDDEN) });
    const result = await perplexity({ ...flat, kernels, tokens: text, context: 16, windows: 3 });
    expect(result.perplexity).toBeCloseTo(VOCABULARY, 6);
    expect(result.standardError).toBeCloseTo(0, 7);
    expect(result.tokens).toBe(3 * 15);
  });

  it.each([
    { context: 16, windows: 5 },
    { context: 2, windows: 1 },
    { context: 700, windows: 7 },
    { context: 3000, windows: 2 },
  ])('agrees with the definition in float64: $windows windows of $context', async ({ context, windows }) => {
    const result = await perplexity({ ...tinyModel(weights), kernels, tokens: text, context, windows });
    const expected = Array.from({ length: windows }, (_, w) =>
      nllOf(weights, text.subarray(w * context, (w + 1) * context)),
    ).flat();
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    const variance = expected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (expected.length - 1);
    expect(result.tokens).toBe(expected.length);
    expect(result.nll).toBeCloseTo(mean, 5);
    expect(result.perplexity).toBeCloseTo(Math.exp(mean), 4);
    if (expected.length > 1) expect(result.standardError).toBeCloseTo(Math.sqrt(variance / expected.length), 5);
  });

  it.each([
    { context: 40, stride: 16 },
    { context: 40, stride: 40 },
    { context: 40, scoreFrom: 21, bos: 5 },
    { context: 40, stride: 7, windows: 3, bos: 0 },
  ])('scores the tokens that %j names, from what stands before them', async (options) => {
    const tokens = text.subarray(0, 333);
    let scores: TokenScores | undefined;
    const onScores = (given: TokenScores) => {
      scores = given;
    };
    const result = await perplexity({ ...tinyModel(weights), kernels, tokens, ...options, onScores });
    const windows = planWindows(tokens, options);
    const expected = windows.flatMap(({ tokens, from }) => nllOf(weights, tokens).slice(from - 1));
    expect(scores!.nll).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(scores!.nll[i]).toBeCloseTo(value, 4);
    expect(result).toMatchObject(options);
    expect(result.nll).toBe(scores!.nll.reduce((sum, value) => sum + value, 0) / expected.length);
    expect(Array.from(scores!.positions, (at) => tokens[at])).toEqual(Array.from(scores!.tokens));
  });

  it('counts bits over the bytes of the scored tokens', async () => {
    const tokenBytes = Uint16Array.from({ length: VOCABULARY }, (_, id) => id % 4);
    const given = { ...tinyModel(weights), kernels, tokens: text, context: 10, windows: 2, tokenBytes };
    const result = await perplexity(given);
    const bytes = [...text.subarray(1, 10), ...text.subarray(11, 20)].reduce((sum, id) => sum + (id % 4), 0);
    expect(result.bytes).toBe(bytes);
    expect(result.bitsPerByte).toBeCloseTo((result.nll * 18) / Math.log(2) / bytes, 12);
  });

  it('reads a head of several blocks, whose sums make the softmax of the whole', async () => {
    // 18 MB of weights are two blocks.
    const wide = tinyWeights(70_000, 64);
    const tokens = Uint32Array.of(3, 69_999, 12, 40_000, 65_536);
    const { nll } = await scoreText({ ...tinyModel(wide), kernels, tokens, context: 5 });
    for (const [i, value] of nllOf(wide, tokens).entries()) expect(nll[i]).toBeCloseTo(value, 3);
  });

  it('does not change when a window comes twice', async () => {
    const window = text.slice(0, 64);
    const twice = new Uint32Array([...window, ...window]);
    const once = await perplexity({ ...tinyModel(weights), kernels, tokens: window, context: 64 });
    const both = await perplexity({ ...tinyModel(weights), kernels, tokens: twice, context: 64 });
    expect(both.windows).toBe(2);
    expect(both.nll).toBeCloseTo(once.nll, 12);
  });

  it('tells how far it is, up to the end', async () => {
    const shares: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void shares.push(done / total);
    await perplexity({ ...tinyModel(weights), kernels, tokens: text, context: 1000, onProgress });
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  });

  it('refuses texts that are too short, contexts that are too long, and foreign tokens', async () => {
    const run = (tokens: Uint32Array, context: number, windows?: number) =>
      perplexity({ ...tinyModel(weights), kernels, tokens, context, ...(windows === undefined ? {} : { windows }) });
    await expect(run(text.subarray(0, 100), 16, 7)).rejects.toThrow(
      'The text has 100 tokens, which make 6 windows of 16; 7 were asked for.',
    );
    await expect(run(text.subarray(0, 10), 16)).rejects.toThrow('which make 0 windows');
    await expect(run(text, 5000)).rejects.toThrow("more than the model's 4096");
    await expect(run(Uint32Array.of(1, 2, 11, 3), 4)).rejects.toThrow('Token 11 at position 2');
  });

  it('refuses logits that are not finite', async () => {
    const broken = tinyModel({
      ...weights,
      table: weights.table.map((value) => value * 1e20),
      'head.weight': weights['head.weight'].map((value) => value * 1e20),
    });
    await expect(perplexity({ ...broken, kernels, tokens: text, context: 16 })).rejects.toThrow(/not finite/);
  });

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(perplexity({ ...tinyModel(weights), kernels, tokens: text, context: 16, signal })).rejects.toThrow(
      /abort/,
    );
  });
});
