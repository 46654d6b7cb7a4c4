import { randomStream } from '@compress/core';
import { expect, test } from 'vitest';
import { drawToken, likeliestToken } from './choose-token.ts';

const logits = Float32Array.from([1.5, -2, 0.25, 3, 3, -1, 2.75, 0]);

/** The probability of each token, by the definitions: filters that hide what they leave out, then a softmax. */
function expectedShares(temperature: number, topK = Number.POSITIVE_INFINITY, topP = 1): number[] {
  const softmax = (values: number[]) => {
    const exponentials = values.map((value) => Math.exp(value));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    return exponentials.map((value) => value / total);
  };
  let scores = [...logits].map((logit) => logit / temperature);
  const rank = (id: number) =>
    scores.filter((score, other) => score > scores[id] || (score === scores[id] && other < id));
  const ofRank = scores.map((_, id) => rank(id).length);
  scores = scores.map((score, id) => (ofRank[id] < topK ? score : Number.NEGATIVE_INFINITY));
  const shares = softmax(scores);
  const before = shares.map((_, id) =>
    shares.reduce((sum, share, other) => (ofRank[other] < ofRank[id] ? sum + share : sum), 0),
  );
  return softmax(scores.map((score, id) => (before[id] < topP ? score : Number.NEGATIVE_INFINITY)));
}

test.each([
  { temperature: 1 },
  { temperature: 0.4 },
  { temperature: 3, topK: 3 },
  { temperature: 1, topK: 1 },
  { temperature: 1, topP: 0.7 },
  { temperature: 2, topK: 6, topP: 0.6 },
  { temperature: 1, topP: 1e-9 },
])('tokens come as often as their probabilities say: %j', (sampling) => {
  const { temperature, topK, topP } = sampling as { temperature: number; topK?: number; topP?: number };
  const shares = expectedShares(temperature, topK, topP);
  const counts = new Float64Array(logits.length);
  // Every uniform number counts the same, so evenly spaced ones tell each token's part of the interval.
  const steps = 20_000;
  for (let i = 0; i < steps; i++) counts[drawToken(logits, sampling, (i + 0.5) / steps)] += 1 / steps;
  for (const [id, share] of shares.entries()) expect(Math.abs(counts[id] - share)).toBeLessThanOrEqual(1.01 / steps);
});

test('at the ends of the interval are tokens that can be, however unlikely others', () => {
  const steep = Float32Array.from([-1e30, 0, -1e30]);
  for (const uniform of [0, 0.5, 1 - 2 ** -53]) expect(drawToken(steep, { temperature: 1 }, uniform)).toBe(1);
});

test('a nucleus that is reached exactly is not left', () => {
  const equal = new Float32Array(4);
  const drawn = Array.from({ length: 100 }, (_, i) => drawToken(equal, { temperature: 1, topP: 0.5 }, i / 100));
  expect([...new Set(drawn)]).toEqual([0, 1]);
});

test('the likeliest token: of equal ones the first', () => {
  expect(likeliestToken(logits)).toBe(3);
  const { uniform } = randomStream('logits');
  for (let i = 0; i < 50; i++) {
    const random = Float32Array.from({ length: 40 }, uniform);
    expect(random[likeliestToken(random)]).toBe(Math.max(...random));
  }
});
