import { openTokenizer } from '@compress/models';
import type { TextSource } from '../recipe/text-source.ts';
import { readText } from './read-text.ts';

/** The tokens of a whole text, without special tokens; `folder` is the model's, whose tokenizer is used. */
export type Tokenize = (
  source: TextSource,
  where: { readonly directory: string; readonly folder: string },
) => Promise<Uint32Array>;

/** Tokenizes each text once, however often it is asked for: large ones take seconds. */
export function createTokenize(): Tokenize {
  const known = new Map<string, Promise<Uint32Array>>();
  return (source, { directory, folder }) => {
    const { text, jsonl, parquet, field } = source;
    const key = JSON.stringify([folder, directory, text, jsonl, parquet, field]);
    const tokens = known.get(key) ?? tokenize(source, directory, folder);
    known.set(key, tokens);
    return tokens;
  };
}

async function tokenize(source: TextSource, directory: string, folder: string): Promise<Uint32Array> {
  const text = await readText(source, directory);
  return (await openTokenizer(folder)).encode(text, { special: false });
}
