import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTokenizer } from '@compress/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { createTokenize } from './tokenize.ts';

let directory: string;
const text = 'The state of the Union, 1865:\n\n  "peace" – and ½ of it.\n'.repeat(50);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-tokenize-'));
  await writeFile(join(directory, 'text.txt'), text);
  await writeFile(join(directory, 'bad.txt'), Uint8Array.of(0xff, 0xfe));
});
afterAll(() => rm(directory, { recursive: true }));

it('gives the ids that the tokenizer gives in this process, once for a text', async () => {
  const tokenize = createTokenize();
  const first = tokenize({ text: 'text.txt' }, { directory, folder: DEMO_MODEL });
  expect(tokenize({ text: 'text.txt' }, { directory, folder: DEMO_MODEL })).toBe(first);
  const here = (await openTokenizer(DEMO_MODEL)).encode(text, { special: false });
  expect((await first).tokens).toEqual(here);
});

it('tells mistakes as if they were made in this process', async () => {
  const tokenize = createTokenize();
  await expect(tokenize({ text: 'bad.txt' }, { directory, folder: DEMO_MODEL })).rejects.toMatchObject({
    name: 'CompressError',
    code: 'text-unreadable',
    place: { file: join(directory, 'bad.txt') },
    message: `${join(directory, 'bad.txt')}: This is not UTF-8 text.`,
  });
  await expect(tokenize({ text: 'text.txt' }, { directory, folder: directory })).rejects.toMatchObject({
    code: 'tokenizer-missing',
  });
});
