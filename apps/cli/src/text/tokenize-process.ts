/** The program of the process that `tokenize` starts: takes one job, answers, and ends. */
import { CompressError, type Place } from '@compress/core';
import { openTokenizer } from '@compress/models';
import type { TextSource } from '../recipe/text-source.ts';
import { readText } from './read-text.ts';

/** A text, and the folder of the model whose tokenizer is used. */
export interface TokenizeJob {
  readonly source: TextSource;
  readonly directory: string;
  readonly folder: string;
}

/** What a text is to a model. */
export interface TokenizedText {
  readonly tokens: Uint32Array;
  /** How many bytes of text each token of the vocabulary stands for, by id. */
  readonly tokenBytes: Uint16Array;
}

/** The text, a mistake of the user's (its sentence without its place), or a failure that nobody foresaw. */
export type TokenizeAnswer =
  | TokenizedText
  | { readonly code: string; readonly sentence: string; readonly place: Place }
  | { readonly failure: Error };

async function answer({ source, directory, folder }: TokenizeJob): Promise<TokenizeAnswer> {
  try {
    const text = await readText(source, directory);
    const tokenizer = await openTokenizer(folder);
    return { tokens: tokenizer.encode(text, { special: false }), tokenBytes: tokenizer.tokenBytes() };
  } catch (error) {
    if (!(error instanceof CompressError)) return { failure: error as Error };
    const { code, place, message } = error;
    return { code, place, sentence: message.slice(new CompressError(code, '', place).message.length) };
  }
}

process.once('message', async (job: TokenizeJob) => {
  process.send!(await answer(job), () => process.disconnect());
});
