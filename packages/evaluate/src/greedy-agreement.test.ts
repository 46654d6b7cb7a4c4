import { expect, test } from 'vitest';
import { bigrams, ring, VOCABULARY } from './bigrams.test.fixture.ts';
import { compareGreedy, decodeGreedily } from './greedy-agreement.ts';

const prompts = [Uint32Array.of(0), Uint32Array.of(3, 2), Uint32Array.of(5), Uint32Array.of(6)];

/** As the ring, but 4 is followed by 0. */
const shortcut = bigrams(
  Array.from({ length: VOCABULARY }, (_, t) =>
    Array.from({ length: VOCABULARY }, (_, next) => (next === (t === 4 ? 0 : (t + 1) % VOCABULARY) ? 2 : 0)),
  ),
);

test('two models say the same until the first token that differs', async () => {
  const seen: number[] = [];
  const onProgress = ({ done, total }: { done: number; total: number }) => void seen.push(done / total);
  const theirs = await decodeGreedily({ held: ring, prompts, tokens: 4, onProgress });
  expect(theirs.map((said) => [...said])).toEqual([
    [1, 2, 3, 4],
    [3, 4, 5, 6],
    [6, 0, 1, 2],
    [0, 1, 2, 3],
  ]);
  expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => (i + 1) / 16));
  const ours = await decodeGreedily({ held: shortcut, prompts, tokens: 4 });
  expect(compareGreedy(theirs, ours)).toEqual({
    prompts: 4,
    tokens: 4,
    agreed: { mean: (4 + 2 + 4 + 4) / 4, median: 4, least: 2 },
    whole: 3,
  });
});
