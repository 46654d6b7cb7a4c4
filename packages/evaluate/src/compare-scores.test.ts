import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareScores } from './compare-scores.ts';
import { planWindows, type WindowOptions } from './plan-windows.ts';
import { scoreText } from './score-text.ts';
import { textIdentity } from './text-identity.ts';
import { tinyModel, tinyWeights } from './tiny-model.test.fixture.ts';
import { readTokenScores, writeTokenScores } from './token-scores-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-scores-'));
});
afterAll(() => rm(folder, { recursive: true }));

const text = Uint32Array.from({ length: 64 }, (_, i) => (i * i + 3 * i) % 11);
const weights = tinyWeights(11, 4);

async function store(name: string, model: typeof weights, options: WindowOptions, tokens = text) {
  const file = join(folder, `${name}.safetensors`);
  const scores = await scoreText({ ...tinyModel(model), kernels: createReferenceKernels(), tokens, ...options });
  const identity = textIdentity(planWindows(tokens, options), options);
  await writeTokenScores({ file, model: name, text: identity, ...scores });
  return { file, scores };
}

describe('scores in files', () => {
  it('come back bit for bit', async () => {
    const { file, scores } = await store('same', weights, { context: 16 });
    const read = await readTokenScores(file);
    expect(read).toMatchObject({ file, model: 'same', ...scores });
    expect(read.text).toMatchObject({ windows: '4', context: '16', stride: 'none', scoreFrom: '1', bos: 'none' });
  });

  it('are compared in pairs', async () => {
    const changed = { ...weights, 'mix.weight': weights['mix.weight'].map((x) => 1.1 * x) };
    const one = await store('one', weights, { context: 16 });
    const other = await store('other', changed, { context: 16 });
    const result = compareScores(await readTokenScores(one.file), await readTokenScores(other.file));
    const differences = Array.from(other.scores.nll, (value, i) => value - one.scores.nll[i]);
    const mean = differences.reduce((sum, value) => sum + value, 0) / 60;
    const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 59;
    const most = Math.max(...differences.map(Math.abs));
    expect(result.tokens).toBe(60);
    expect(result.difference).toBeCloseTo(mean, 12);
    expect(result.nll[1] - result.nll[0]).toBeCloseTo(mean, 12);
    expect(result.standardError).toBeCloseTo(Math.sqrt(variance / 60), 12);
    expect(result.perplexityRatio).toBeCloseTo(Math.exp(mean), 12);
    expect(result.worse).toBe(differences.filter((value) => value > 0).length / 60);
    expect(Math.abs(result.largest.difference)).toBe(most);
    expect(result.largest.position).toBe(one.scores.positions[differences.findIndex((x) => Math.abs(x) === most)]);
  });

  it('of other tokens are refused, and the difference is named', async () => {
    const whole = await store('whole', weights, { context: 16 });
    const first = await readTokenScores(whole.file);
    const against = async (options: WindowOptions, tokens = text) =>
      compareScores(first, await readTokenScores((await store('b', weights, options, tokens)).file));
    await expect(against({ context: 8 })).rejects.toThrow(
      'made of other tokens: number of windows is 8 there and 4 here; context is 8 there and 16 here.',
    );
    await expect(against({ context: 16, scoreFrom: 2 })).rejects.toThrow(
      /position to score from is 2 there and 1 here/,
    );
    await expect(
      against(
        { context: 16 },
        text.map((token) => 10 - token),
      ),
    ).rejects.toMatchObject({
      code: 'scores-differ',
      message: expect.stringMatching(/text \(sha256 of the token ids\) is [0-9a-f]{64} there/),
    });
  });

  it('and files of something else are refused', async () => {
    const { createSafetensors } = await import('@compress/core');
    const file = join(folder, 'else.safetensors');
    await (await createSafetensors(file, [], {})).finish();
    await expect(readTokenScores(file)).rejects.toMatchObject({ code: 'scores-invalid' });
    await expect(readTokenScores(join(folder, 'none'))).rejects.toMatchObject({ code: 'checkpoint-missing' });
  });
});
