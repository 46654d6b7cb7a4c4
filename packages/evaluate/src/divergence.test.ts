import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithReference } from './divergence.ts';
import { planWindows, type WindowOptions } from './plan-windows.ts';
import { openReference, writeReference } from './reference-file.ts';
import { scoreText } from './score-text.ts';
import { textIdentity } from './text-identity.ts';
import { logProbabilitiesOf, type TinyWeights, tinyModel, tinyWeights } from './tiny-model.test.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-reference-'));
});
afterAll(() => rm(folder, { recursive: true }));

const kernels = createReferenceKernels();
const text = Uint32Array.from({ length: 240 }, (_, i) => (i * i + 3 * i) % 11);
const weights = tinyWeights(11, 4);
const changed = { ...weights, 'mix.weight': weights['mix.weight'].map((x, i) => x + 0.2 * Math.sin(5 * i)) };

async function reference(options: WindowOptions, of: TinyWeights = weights, tokens = text) {
  const file = join(folder, 'reference.safetensors');
  const asked = { ...tinyModel(of), kernels, tokens, ...options, file, reference: { name: 'tiny', digest: 'abc' } };
  const scores = await writeReference(asked);
  return { scores, file, text: textIdentity(planWindows(tokens, options), options) };
}

async function compare(options: WindowOptions, model: TinyWeights, of: TinyWeights = weights, tokens = text) {
  const made = await reference(options, of, tokens);
  const opened = await openReference(made.file, made);
  try {
    return await compareWithReference({ ...tinyModel(model), kernels, tokens, ...options, reference: opened });
  } finally {
    await opened.checkpoint.close();
  }
}

describe('divergence from a reference', () => {
  it.each<WindowOptions>([{ context: 24 }, { context: 40, stride: 16 }, { context: 24, scoreFrom: 13, bos: 3 }])(
    'is that of the definition in float64: %j',
    async (options) => {
      const { divergence } = await compare(options, changed);
      const windows = planWindows(text, options).map(({ tokens, from }) => ({
        p: logProbabilitiesOf(weights, tokens).slice(from - 1),
        q: logProbabilitiesOf(changed, tokens).slice(from - 1),
        targets: tokens.subarray(from),
      }));
      const best = (row: number[]) => row.indexOf(Math.max(...row));
      const pairs = windows.flatMap(({ p, q, targets }) =>
        p.map((row, t) => ({
          kl: row.reduce((sum, x, v) => sum + Math.exp(x) * (x - q[t][v]), 0),
          there: best(row),
          here: best(q[t]),
          target: targets[t],
        })),
      );
      const kl = pairs.map((pair) => pair.kl).toSorted((a, b) => a - b);
      expect(divergence.kl.mean).toBeCloseTo(kl.reduce((sum, value) => sum + value, 0) / kl.length, 6);
      expect(divergence.kl.median).toBeCloseTo(kl[Math.ceil(kl.length / 2) - 1], 6);
      expect(divergence.kl.p99).toBeCloseTo(kl[Math.ceil(0.99 * kl.length) - 1], 6);
      expect(divergence.kl.max).toBeCloseTo(kl.at(-1)!, 6);
      const flipped = pairs.filter(({ there, here }) => there !== here);
      expect(flipped.length).toBeGreaterThan(0);
      expect(divergence.top1Agreement).toBeCloseTo(1 - flipped.length / pairs.length, 12);
      expect(divergence.flips).toEqual({
        all: flipped.length,
        lost: flipped.filter(({ there, target }) => there === target).length,
        won: flipped.filter(({ here, target }) => here === target).length,
      });
      const agreed = windows.map(({ p, q }) => {
        const first = p.findIndex((row, t) => best(row) !== best(q[t]));
        return first < 0 ? p.length : first;
      });
      expect(divergence.agreedTokens.mean).toBeCloseTo(agreed.reduce((a, b) => a + b, 0) / agreed.length, 12);
      expect(divergence.agreedTokens.least).toBe(Math.min(...agreed));
      expect(divergence.agreedTokens.whole).toBe(agreed.filter((n, w) => n === windows[w].p.length).length);
    },
  );

  it('of a model from itself is exactly nothing', async () => {
    const { divergence } = await compare({ context: 24 }, weights);
    expect(divergence.kl).toMatchObject({ mean: 0, median: 0, p99: 0, max: 0 });
    expect(divergence).toMatchObject({ top1Agreement: 1, flips: { all: 0, lost: 0, won: 0 } });
    expect(divergence.agreedTokens).toEqual({ mean: 23, least: 23, whole: 10 });
    expect(divergence.sections.map(({ section }) => section)).toEqual(['embedding', 'blocks.0']);
    for (const { mean, least } of divergence.sections) {
      expect(mean).toBeCloseTo(1, 12);
      expect(least).toBeCloseTo(1, 12);
    }
  });

  it('sees in which section the streams part', async () => {
    const { divergence } = await compare({ context: 24 }, changed);
    const [embedding, block] = divergence.sections;
    expect(embedding.mean).toBeCloseTo(1, 12);
    expect(block.mean).toBeLessThan(0.999);
    expect(block.least).toBeLessThanOrEqual(block.mean);
  });

  it('adds up over a head of several blocks', async () => {
    // 18 MB of weights are two blocks.
    const wide = tinyWeights(70_000, 64);
    const other = { ...wide, 'head.weight': wide['head.weight'].map((x) => 1.05 * x) };
    const tokens = Uint32Array.of(3, 69_999, 12, 40_000);
    const { divergence } = await compare({ context: 4 }, other, wide, tokens);
    const [p, q] = [wide, other].map((of) => logProbabilitiesOf(of, tokens));
    const kl = p.map((row, t) => row.reduce((sum, x, v) => sum + Math.exp(x) * (x - q[t][v]), 0));
    expect(divergence.kl.mean).toBeCloseTo(kl.reduce((a, b) => a + b, 0) / kl.length, 4);
  });

  it('leaves the likelihoods as they are, of both', async () => {
    const options = { context: 24 };
    const { scores } = await compare(options, changed);
    expect(scores).toEqual(await scoreText({ ...tinyModel(changed), kernels, tokens: text, ...options }));
    const made = await reference(options);
    expect(made.scores).toEqual(await scoreText({ ...tinyModel(weights), kernels, tokens: text, ...options }));
  });

  it('refuses a stale reference, and one of another vocabulary', async () => {
    const { file, text: identity } = await reference({ context: 24 });
    const open = (wanted: Parameters<typeof openReference>[1]) => openReference(file, wanted);
    const other = textIdentity(planWindows(text, { context: 12 }), { context: 12 });
    await expect(open({ text: other })).rejects.toMatchObject({
      code: 'reference-stale',
      message: expect.stringMatching(/context is 24 there and 12 here/),
    });
    await expect(open({ text: identity, digest: 'abd' })).rejects.toThrow(
      'made of another model: tiny, of digest abc, not abd.',
    );
    const opened = await open({ text: identity, digest: 'abc' });
    const larger = { ...tinyModel(tinyWeights(13, 4)), kernels, tokens: text, context: 24, reference: opened };
    await expect(compareWithReference(larger)).rejects.toMatchObject({ code: 'reference-vocabulary' });
    await opened.checkpoint.close();
  });

  it('leaves nothing behind when it fails', async () => {
    const signal = AbortSignal.abort();
    const file = join(folder, 'ended.safetensors');
    const asked = { ...tinyModel(weights), kernels, tokens: text, context: 24, signal };
    await expect(writeReference({ ...asked, file, reference: { name: 'x', digest: 'y' } })).rejects.toThrow(/abort/);
    expect((await readdir(folder)).filter((name) => name.startsWith('ended'))).toEqual([]);
  });
});
