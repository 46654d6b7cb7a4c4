import { type Checkpoint, type Model, randomStream, type SectionProgram, type SectionSpec } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { measureTask, type TaskRequest } from './measure-task.ts';
import { scoreContinuations } from './score-continuations.ts';
import type { TaskItems } from './task.ts';

const kernels = createReferenceKernels();
const LETTERS = ['a', 'b', 'c', 'd', 'é', '日', ' '];
const VOCABULARY = LETTERS.length;
const CONTEXT = 40;
const random = randomStream('task');
const table = Array.from({ length: VOCABULARY }, () =>
  Float32Array.from({ length: VOCABULARY }, () => 2 * random.normal()),
);
// After a comes mostly a space, and after that a c.
table[0][6] = 6;
table[6][2] = 6;

/** The next letter depends on the last one alone: row t of the table are the logits after letter t. */
function bigrams(rows: readonly Float32Array[]): Pick<TaskRequest, 'model' | 'checkpoint' | 'kernels'> {
  const section = (kind: 'embedding' | 'head'): SectionSpec => ({
    name: kind,
    kind,
    tensors: [],
    sites: [],
    links: [],
  });
  const program: SectionProgram = {
    stages: [],
    async embed({ tokens, hidden }) {
      for (const [row, token] of tokens.entries()) hidden.data.set(rows[token], row * VOCABULARY);
    },
  };
  const model: Model = {
    architecture: 'bigrams',
    hiddenSize: VOCABULARY,
    vocabularySize: VOCABULARY,
    contextLength: CONTEXT,
    tied: false,
    sections: [section('embedding'), section('head')],
    untie: () => model,
    open: () => program,
    logits: async (_program, _weights, hidden) => ({ ...hidden, data: hidden.data.slice() }),
  };
  const read: Checkpoint['read'] = () => Promise.reject(new Error('nothing is stored'));
  return {
    model,
    checkpoint: { tensors: new Map(), location: 'memory', files: [], read, close: async () => {} },
    kernels,
  };
}

const encode = (text: string) => Uint32Array.from([...text], (letter) => LETTERS.indexOf(letter));

/** log p of each letter of a text but the first, in f64, from the definition. */
function logProbability(text: string): number {
  const ids = [...encode(text)];
  return ids.slice(1).reduce((sum, id, i) => {
    const row = [...table[ids[i]]];
    return sum + row[id] - Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0));
  }, 0);
}

const measure = (items: TaskItems, more: Partial<TaskRequest> = {}) =>
  measureTask({ ...bigrams(table), items, encode, ...more });

test('choices: likelihoods by the definition, and each metric by its length', async () => {
  const items = Array.from({ length: 30 }, () => {
    const word = (length: number) => Array.from({ length }, () => LETTERS[random.integer(6)]).join('');
    const choices = Array.from({ length: 2 + random.integer(3) }, () => word(1 + random.integer(5)));
    return { context: word(1 + random.integer(20)), choices, answer: random.integer(choices.length) };
  });
  const { items: outcomes, metrics, kind, logLikelihood } = await measure(items);
  expect(kind).toBe('choice');
  const right: Record<string, number[]> = { acc: [], acc_norm: [], acc_bytes: [] };
  for (const [i, { context, choices, answer }] of items.entries()) {
    const expected = choices.map((choice) => logProbability(`${context.at(-1)} ${choice}`));
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
  expect(new Set(outcomes.map(({ picked }) => JSON.stringify(Object.values(picked!)))).size).toBeGreaterThan(8);
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
  const likeliest = (letter: string) => {
    const row = [...table[LETTERS.indexOf(letter)]];
    return LETTERS[row.indexOf(Math.max(...row))];
  };
  // Whether the space comes is a matter of the letter before it, so some words fail by their first token, and some by their last.
  const first = likeliest(' ');
  const words = [first, `${first}${likeliest(first)}`, 'a', 'dc'].filter((word) => !word.includes(' '));
  const texts = LETTERS.slice(0, 6).flatMap((letter) => words.map((word) => `ab${letter} ${word}`));
  const { items, kind, metrics } = await measure(texts.map((text) => ({ text })));
  expect(kind).toBe('last-word');
  expect(Object.keys(metrics)).toEqual(['acc']);
  for (const [i, text] of texts.entries()) {
    const letters = [...text];
    const from = letters.indexOf(' ');
    expect(items[i].logLikelihoods[0]).toBeCloseTo(logProbability(letters.slice(from - 1).join('')), 4);
    expect(items[i].correct.acc).toBe(
      letters.slice(from).every((letter, k) => likeliest(letters[from + k - 1]) === letter),
    );
  }
  expect(new Set(items.map(({ correct }) => correct.acc)).size).toBe(2);
});

test('a pair longer than the context loses its beginning, and order is that of the pairs', async () => {
  const ids = (length: number) => Uint32Array.from({ length }, () => random.integer(VOCABULARY));
  const pairs = [3, 60, 1, 39, 40, 41, 3].map((length) => ({ context: ids(length), continuation: ids(5) }));
  const seen: number[] = [];
  const request = {
    ...bigrams(table),
    onProgress: ({ done, total }: { done: number; total: number }) => void seen.push(done / total),
  };
  const together = await scoreContinuations({ ...request, pairs });
  expect(seen.at(-1)).toBe(1);
  for (const [i, pair] of pairs.entries())
    expect(await scoreContinuations({ ...request, pairs: [pair] })).toEqual([together[i]]);
  const whole = { context: pairs[1].context, continuation: ids(CONTEXT) };
  const [{ logLikelihood }] = await scoreContinuations({ ...request, pairs: [whole] });
  const text = [...whole.context.slice(-1), ...whole.continuation].map((id) => LETTERS[id]).join('');
  expect(logLikelihood).toBeCloseTo(logProbability(text), 3);
});

test('what cannot be scored is refused', async () => {
  const refused = (items: TaskItems, more: Partial<TaskRequest> = {}) => expect(measure(items, more)).rejects;
  await refused([{ text: 'dab' }]).toMatchObject({ code: 'task-invalid', message: expect.stringContaining('Item 0') });
  expect((await measure([{ text: 'dab' }], { prefixToken: 6 })).items[0].logLikelihoods[0]).toBeCloseTo(
    logProbability(' dab'),
    4,
  );
  await refused([{ text: 'a b' }], { encode: (text) => encode(text).slice(0, 1) }).toThrow('without tokens of its own');
  await refused([{ text: `a ${'b'.repeat(CONTEXT)}` }]).toMatchObject({ code: 'sequence-too-long' });
  await refused([]).toThrow('at least one item');
  const broken = bigrams(table.map((row) => row.map(() => Number.NaN)));
  await refused([{ text: 'a b' }], broken).toMatchObject({ code: 'not-finite' });
});
