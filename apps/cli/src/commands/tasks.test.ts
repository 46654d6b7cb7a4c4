import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChoiceItem, LastWordItem, TaskItems } from '@compress/evaluate';
import { createKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runTask } from '../model/run-task.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

const TASKS = fileURLToPath(new URL('../../../../benchmarks/tasks/', import.meta.url));
const progress = { update: () => {}, log: () => {}, clear: () => {} };
const signal = new AbortController().signal;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-tasks-'));
  await writeFile(join(directory, 'choices.jsonl'), await lines('sotu-next-words.jsonl', 24));
  await writeFile(join(directory, 'words.jsonl'), await lines('sotu-last-word.jsonl', 30));
});
afterAll(() => rm(directory, { recursive: true }));

async function lines(name: string, count: number): Promise<string> {
  return (await readFile(join(TASKS, name), 'utf8')).split('\n').slice(0, count).join('\n');
}

const cli = (...args: string[]) => runInFolder(directory, ['tasks', ...args, '--threads', '1']);

/** The sum of log-probabilities of up to 28 tokens, each of which is within 1e-4 of transformers'. */
const MAX_DIFFERENCE = 2e-3;

it('likelihoods are those of transformers on pairs encoded as lm-eval does', async () => {
  type Score = [logLikelihood: number, greedy: boolean, tokens: number];
  const golden: { choices: (ChoiceItem & { scores: Score[] })[]; words: (LastWordItem & { score: Score })[] } =
    JSON.parse(await readFile(join(TASKS, 'golden.json'), 'utf8'));
  const kernels = await createKernels({ threads: 1 });
  const measure = (items: TaskItems) => runTask(DEMO_MODEL, items, { directory, kernels, signal, progress });
  const choices = await measure(golden.choices);
  for (const [i, { scores }] of golden.choices.entries())
    for (const [c, [expected]] of scores.entries())
      expect(Math.abs(choices.items[i].logLikelihoods[c] - expected)).toBeLessThan(MAX_DIFFERENCE);
  const words = await measure(golden.words);
  for (const [i, { score }] of golden.words.entries()) {
    expect(Math.abs(words.items[i].logLikelihoods[0] - score[0])).toBeLessThan(MAX_DIFFERENCE);
    expect(words.items[i].correct.acc).toBe(score[1]);
  }
  await kernels.close();
});

describe('compress tasks', () => {
  it('finds the right continuation far more often than chance, and writes what became of each item', async () => {
    const run = await cli(DEMO_MODEL, 'choices.jsonl', '--json', '--items', 'items.jsonl');
    expect(run.code).toBe(EXIT.ok);
    const { kind, items, models } = run.json();
    expect([kind, items]).toEqual(['choice', 24]);
    const { acc, acc_norm, acc_bytes } = models[0].metrics;
    // By chance 25 %, and 0.45 is two standard errors of 24 items above that; of all 300 it has 0.55.
    expect(acc.mean).toBeGreaterThan(0.45);
    expect(acc_norm).toEqual(acc_bytes);
    const written = (await readFile(join(directory, 'items.jsonl'), 'utf8')).trim().split('\n');
    const outcomes = written.map((line) => JSON.parse(line));
    expect(outcomes.map(({ item }) => item)).toEqual(Array.from({ length: 24 }, (_, i) => i));
    const right = outcomes.filter(({ models: [{ correct }] }) => correct.acc).length;
    expect(right / 24).toBeCloseTo(acc.mean, 12);
  });

  it('compares two models on the same items', async () => {
    await cp(DEMO_MODEL, join(directory, 'coarse'), { recursive: true });
    const coarse = { quantizer: { bits: 2, scale: 'token' } };
    const sites = Object.fromEntries([0, 1, 2, 3].map((l) => [`model.layers.${l}.feed_forward_inner`, coarse]));
    await writeFile(join(directory, 'coarse/inference.json'), JSON.stringify({ sites, attention: {} }));
    const run = await cli('./coarse', 'words.jsonl', '--against', DEMO_MODEL, '--json', '--items', 'both.jsonl');
    const { models, comparison } = run.json();
    expect(models[0].logLikelihood.mean).toBeLessThan(models[1].logLikelihood.mean);
    const outcomes = (await readFile(join(directory, 'both.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const alone = (mine: number) =>
      outcomes.filter(({ models: of }) => of[mine].correct.acc && !of[1 - mine].correct.acc).length;
    expect(comparison.acc).toMatchObject({ onlyFirst: alone(0), onlySecond: alone(1) });

    const { stdout } = await cli(DEMO_MODEL, 'words.jsonl', '--against', DEMO_MODEL);
    expect(stdout).toMatch(/^30 items, the last word of each\n\nmodel +acc +log p/);
    expect(stdout).toMatch(/acc: 0\.0 % ± 0\.0 %; 0 right with .* alone, 0 with .* alone: McNemar's p = 1/);
  });

  it('tells what is wrong with a task, by file and line', async () => {
    const wrong = async (text: string) => {
      await writeFile(join(directory, 'wrong.jsonl'), text);
      return cli(DEMO_MODEL, 'wrong.jsonl');
    };
    expect(await cli(DEMO_MODEL, 'words.jsonl', '--items', 'no/where.jsonl')).toMatchObject({
      code: EXIT.usage,
      log: expect.stringMatching(/no\/where\.jsonl: The outcomes of items cannot be written/),
    });
    const good = '{"context":"a","choices":["b","c"],"answer":0}\n';
    expect(await cli(DEMO_MODEL, 'none.jsonl')).toMatchObject({
      code: EXIT.failure,
      log: expect.stringMatching(/none\.jsonl: The task cannot be read: there is no such file/),
    });
    expect((await wrong('')).log).toMatch(/wrong\.jsonl: The task has no items/);
    expect((await wrong(`${good}{"context"\n`)).log).toMatch(/wrong\.jsonl:2: This line is not JSON/);
    expect((await wrong(`${good}${good.replace('0', '2')}`)).log).toMatch(/wrong\.jsonl:2: .*must be the place of one/);
    expect((await wrong(`${good}{"text":"a b"}`)).log).toMatch(/wrong\.jsonl:2: .*all lines the same/);
  });
});
