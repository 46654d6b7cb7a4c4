import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codebooks } from '@compress/codebooks';
import { CompressError } from '@compress/core';
import { type KvCacheOptions, kvCacheOptions } from '@compress/kv-cache';
import { parse } from 'yaml';
import { z } from 'zod';

/**
 * The options of `kv-cache` as a user hands them to a command: the name of a YAML file, or YAML itself (`{ bits: 4 }`). Throws `CompressError` `usage`.
 */
export async function readCache(given: string, directory: string): Promise<KvCacheOptions> {
  const file = resolve(directory, given);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (/[{:]/.test(given)) return undefined;
    throw new CompressError('usage', `--cache is neither options such as "{ bits: 4 }" nor a file: ${error.message}.`);
  });
  const place = text === undefined ? {} : { file };
  const result = kvCacheOptions(codebooks).safeParse(parseYaml(text ?? given, place));
  if (result.success) return result.data;
  throw new CompressError('usage', `The options of the cache are wrong. ${z.prettifyError(result.error)}.`, place);
}

function parseYaml(text: string, place: { readonly file?: string }): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const message = `The options of the cache are not valid YAML: ${(cause as Error).message}.`;
    throw new CompressError('usage', message, place, { cause });
  }
}
