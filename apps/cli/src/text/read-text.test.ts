import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from './read-text.ts';

const testData = join(import.meta.dirname, '../../test-data');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-text-'));
  await writeFile(join(folder, 'a.txt'), '\ufeffline one\r\nline two\n');
  await writeFile(join(folder, 'latin1.txt'), Buffer.from([0x61, 0xe9, 0x62]));
  await writeFile(join(folder, 'a.jsonl'), '{"text":"one","n":1}\n\n{"text":"two\\nlines","n":2}\n');
  await writeFile(join(folder, 'broken.jsonl'), '{"text":"one"}\n{"text":\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe('readText', () => {
  it('takes a text file as it is, to the last byte', async () => {
    expect(await readText({ text: 'a.txt' }, folder)).toBe('\ufeffline one\r\nline two\n');
  });

  it('joins the records of JSONL by one newline', async () => {
    expect(await readText({ jsonl: 'a.jsonl' }, folder)).toBe('one\ntwo\nlines');
  });

  it.each(['snappy', 'gzip', 'zstd'])('joins the rows of Parquet by one newline (%s)', async (codec) => {
    const source = { parquet: `speech-${codec}.parquet`, field: 'body' };
    expect(await readText(source, testData)).toBe('The first.\nThe sécond,\nof two lines.\n');
  });

  it('says what is wrong, and where', async () => {
    await expect(readText({ text: 'none.txt' }, folder)).rejects.toThrow(/none\.txt: .* no such file/);
    await expect(readText({ parquet: 'none.parquet' }, folder)).rejects.toThrow(/none\.parquet: .* cannot be read/);
    await expect(readText({ text: 'latin1.txt' }, folder)).rejects.toThrow('This is not UTF-8 text.');
    await expect(readText({ jsonl: 'broken.jsonl' }, folder)).rejects.toThrow(/broken\.jsonl:2: .*not JSON/);
    await expect(readText({ jsonl: 'a.jsonl', field: 'n' }, folder)).rejects.toThrow(
      /a\.jsonl:1: .* no text under n; it has text, n\./,
    );
    await expect(readText({ parquet: 'speech-zstd.parquet', field: 'text' }, testData)).rejects.toThrow(
      'There is no column text; the file has title, body.',
    );
    await expect(readText({ parquet: 'a.txt' }, folder)).rejects.toThrow(/a\.txt: The Parquet file cannot be read/);
  });
});
