import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CompressError } from '@compress/core';
import type { TextSource } from '../recipe/text-source.ts';
import { readParquet } from './read-parquet.ts';

/**
 * The text of a source: a file as it is, or the texts of one field of all records joined by one newline. Paths are relative to
 * `directory`. Throws `CompressError` `text-unreadable` or `text-field-missing`.
 */
export async function readText(source: TextSource, directory: string): Promise<string> {
  const field = source.field ?? 'text';
  if (source.jsonl !== undefined) return readJsonLines(resolve(directory, source.jsonl), field);
  if (source.parquet !== undefined) return (await readParquet(resolve(directory, source.parquet), field)).join('\n');
  return readUtf8(resolve(directory, source.text!));
}

async function readUtf8(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new CompressError('text-unreadable', `The text cannot be read: ${reason}.`, { file }, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CompressError('text-unreadable', 'This is not UTF-8 text.', { file }, { cause });
  }
}

async function readJsonLines(file: string, field: string): Promise<string> {
  const lines = (await readUtf8(file)).split('\n');
  const texts: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const place = { file, line: index + 1 };
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch (cause) {
      throw new CompressError('text-unreadable', `This line is not JSON: ${(cause as Error).message}.`, place, {
        cause,
      });
    }
    const text = (record as Record<string, unknown> | null)?.[field];
    if (typeof text !== 'string') {
      const known = Object.keys(record ?? {}).join(', ');
      throw new CompressError(
        'text-field-missing',
        `This record has no text under ${field}; it has ${known || 'no keys'}.`,
        place,
      );
    }
    texts.push(text);
  }
  return texts.join('\n');
}
