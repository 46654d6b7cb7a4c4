import { expect, test } from 'vitest';
import { bigrams, CONTEXT, ring, VOCABULARY } from './bigrams.test.fixture.ts';
import { generate } from './generate.ts';

test('greedy: the likeliest token each time, as many as asked for, told as they come', async () => {
  const seen: number[] = [];
  const onToken = (token: number) => void seen.push(token);
  const result = await generate({ held: ring, prompt: Uint32Array.of(5, 3), tokens: 6, onToken });
  expect([...result.tokens]).toEqual([4, 5, 6, 0, 1, 2]);
  expect(seen).toEqual([4, 5, 6, 0, 1, 2]);
  expect(result).toMatchObject({ end: 'length', promptTokens: 2, decodedTokens: 5, cachedTokens: 7 });
});

test('it ends before a token of the stop list, and where the context is full', async () => {
  const stopped = await generate({ held: ring, prompt: Uint32Array.of(0), tokens: 100, stop: [6, 4] });
  expect([...stopped.tokens]).toEqual([1, 2, 3]);
  expect(stopped.end).toBe('stop');
  const full = await generate({ held: ring, prompt: Uint32Array.of(0), tokens: 100 });
  expect(full).toMatchObject({ end: 'context', cachedTokens: CONTEXT });
  expect(full.tokens).toHaveLength(CONTEXT);
  const long = generate({ held: ring, prompt: new Uint32Array(CONTEXT + 1), tokens: 1 });
  await expect(long).rejects.toMatchObject({ code: 'sequence-too-long' });
});

test('sampling: the same seed says the same, and pairs come as often as the softmax says', async () => {
  const sample = async (seed: number, sampling = {}) => {
    const { tokens } = await generate({
      held: ring,
      prompt: Uint32Array.of(0),
      tokens: CONTEXT,
      sampling: { temperature: 1, seed, ...sampling },
    });
    return [0, ...tokens];
  };
  expect(await sample(1)).toEqual(await sample(1));
  expect(await sample(1)).not.toEqual(await sample(2));
  let [next, pairs] = [0, 0];
  for (let seed = 0; seed < 200; seed++) {
    const said = await sample(seed);
    pairs += said.length - 1;
    next += said.filter((token, i) => i > 0 && token === (said[i - 1] + 1) % VOCABULARY).length;
  }
  const share = Math.exp(2) / (Math.exp(2) + VOCABULARY - 1);
  expect(Math.abs(next / pairs - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / pairs));
  expect(await sample(3, { topK: 1 })).toEqual(Array.from({ length: CONTEXT + 1 }, (_, i) => i % VOCABULARY));
});

test('logits that are not finite, and an interruption, end it', async () => {
  const broken = bigrams(Array.from({ length: VOCABULARY }, () => Array(VOCABULARY).fill(Number.NaN)));
  const prompt = Uint32Array.of(1);
  await expect(generate({ held: broken, prompt, tokens: 3 })).rejects.toMatchObject({ code: 'not-finite' });
  await expect(generate({ held: ring, prompt, tokens: 3, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
});
