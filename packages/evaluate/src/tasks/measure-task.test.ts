import { randomStream } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { logProbabilitiesOf, nllOf, tinyModel, tinyWeights } from '../tiny-model.test.fixture.ts';
import { measureTask, type TaskRequest } from './measure-task.ts';
import { scoreContinuations } from './score-continuations.ts';
import type { TaskItems } from './task.ts';

const LETTERS = [' ', 'a', 'b', 'c', 'd', 'é', '日'];
const CONTEXT = 40;
const weights = tinyWeights(LETTERS.length, 4);
const tiny = tinyModel(weights);
const request = {
  ...tiny,
  model: { ...tiny.model, contextLength: CONTEXT },
  kernels: createReferenceKernels(),
};
const random = randomStream('task');
const word = (length: number) => Array.from({ length }, () => LETTERS[1 + random.integer(6)]).join('');
const encode = (text: string) => Uint32Array.from([...text], (letter) => LETTERS.indexOf(letter));

/** log p of a continuation in f64, from the model's definition. */
function logProbability(context: string, continuation: string): number {
  const nll = nllOf(weights, encode(context + continuation));
  return -nll.slice(-[...continuation].length).reduce((sum, value) => sum + value, 0);
}

const measure = (items: TaskItems, more: Partial<TaskRequest> = {}) =>
  measureTask({ ...request, items, encode, ...more });

test('choices: likelihoods by the definition, and each metric by its length', async () => {
  const items = Array.from({ length: 40 }, () => {
    const choices = Array.from({ length: 2 + random.integer(3) }, () => word(1 + random.integer(5)));
    return { context: word(1 + random.integer(20)), choices, answer: random.integer(choices.length) };
  });
  const { items: outcomes, metrics, kind, logLikelihood } = await measure(items);
  expect(kind).toBe('choice');
  const right: Record<string, number[]> = { acc: [], acc_norm: [], acc_bytes: [] };
  for (const [i, { context, choices, answer }] of items.entries()) {
    const expected = choices.map((choice) => logProbability(context, ` ${choice}`));
    for (const [c, value] of expected.entries()) expect(outcomes[i].logLikelihoods[c]).toBeCloseTo(value, 4);
    for (const [metric, lengths] of [
      ['acc', choices.map(() => 1)],
      ['acc_norm', choices.map((choice) => choice.length)],
      ['acc_bytes', choices.map((choice) => Buffer.byteLength(choice))],
    ] as const) {
      const values = expected.map((value, c) => value / lengths[c]);
      const best = values.indexOf(Math.max(...values));
      expect(outcomes[i].picked![metric]).toBe(best);
      expect(outcomes[i].correct[metric]).toBe(best === answer);
      right[metric].push(Number(best === answer));
    }
  }
  // The three are told apart by these items.
  for (const metric of ['acc', 'acc_bytes'] as const)
    expect(outcomes.some(({ picked }) => picked![metric] !== picked!.acc_norm)).toBe(true);
  for (const [metric, values] of Object.entries(right)) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    // Of zeros and ones the sample variance is n / (n - 1) mean (1 - mean).
    const standardError = Math.sqrt((mean * (1 - mean)) / (values.length - 1));
    expect(metrics[metric as 'acc']!.mean).toBeCloseTo(mean, 12);
    expect(metrics[metric as 'acc']!.standardError).toBeCloseTo(standardError, 12);
  }
  const ofRight = items.map(({ answer }, i) => outcomes[i].logLikelihoods[answer]);
  expect(logLikelihood.mean).toBeCloseTo(ofRight.reduce((sum, value) => sum + value, 0) / ofRight.length, 9);
});

test('last words: right where each token is the likeliest', async () => {
  const texts = Array.from({ length: 300 }, () => [word(1 + random.integer(6)), word(1 + random.integer(2))] as const);
  const { items, kind, metrics } = await measure(texts.map(([context, last]) => ({ text: `${context} ${last}` })));
  expect(kind).toBe('last-word');
  expect(Object.keys(metrics)).toEqual(['acc']);
  for (const [i, [context, last]] of texts.entries()) {
    expect(items[i].logLikelihoods[0]).toBeCloseTo(logProbability(context, ` ${last}`), 4);
    const ids = encode(`${context} ${last}`);
    const rows = logProbabilitiesOf(weights, ids).slice([...context].length - 1);
    const targets = [...ids.subarray([...context].length)];
    expect(items[i].correct.acc).toBe(rows.every((row, k) => row.indexOf(Math.max(...row)) === targets[k]));
  }
  expect(new Set(items.map(({ correct }) => correct.acc)).size).toBe(2);
});

test('a pair longer than the context loses its beginning, and order is that of the pairs', async () => {
  const ids = (length: number) => Uint32Array.from({ length }, () => random.integer(LETTERS.length));
  const pairs = [3, 60, 1, 34, 35, 36, 3].map((length) => ({ context: ids(length), continuation: ids(5) }));
  const seen: number[] = [];
  const onProgress = ({ done, total }: { done: number; total: number }) => void seen.push(done / total);
  const scores = await scoreContinuations({ ...request, pairs, onProgress });
  expect(seen.at(-1)).toBeCloseTo(1, 9);
  for (const [i, { context, continuation }] of pairs.entries()) {
    const kept = Uint32Array.of(...context, ...continuation).slice(-CONTEXT);
    const nll = nllOf(weights, kept).slice(-5);
    expect(scores[i].logLikelihood).toBeCloseTo(-nll.reduce((sum, value) => sum + value, 0), 4);
  }
});

test('what cannot be scored is refused', async () => {
  const refused = (items: TaskItems, more: Partial<TaskRequest> = {}) => expect(measure(items, more)).rejects;
  await refused([{ text: 'dab' }]).toMatchObject({ code: 'task-invalid', message: expect.stringContaining('Item 0') });
  const begun = await measure([{ text: 'dab' }], { prefixToken: 0 });
  expect(begun.items[0].logLikelihoods[0]).toBeCloseTo(logProbability(' ', 'dab'), 4);
  await refused([{ text: 'a b' }], { encode: (text) => encode(text).slice(0, 1) }).toThrow('without tokens of its own');
  await refused([{ text: `a ${'b'.repeat(CONTEXT)}` }]).toMatchObject({ code: 'sequence-too-long' });
  await refused([]).toThrow('at least one item');
  const broken = tinyModel({
    ...weights,
    table: weights.table.map((value) => value * 1e20),
    'head.weight': weights['head.weight'].map((value) => value * 1e20),
  });
  await refused([{ text: 'a b' }], { ...broken }).toMatchObject({ code: 'not-finite' });
});
