import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CompressError } from '@compress/core';
import type { TextSource } from '../recipe/text-source.ts';
import type { TokenizeAnswer, TokenizedText, TokenizeJob } from './tokenize-process.ts';

/** The tokens of a whole text, without special tokens; `folder` is the model's, whose tokenizer is used. */
export type Tokenize = (
  source: TextSource,
  where: { readonly directory: string; readonly folder: string },
) => Promise<TokenizedText>;

/** Tokenizes each text once, however often it is asked for: large ones take seconds. */
export function createTokenize(): Tokenize {
  const known = new Map<string, Promise<TokenizedText>>();
  return (source, { directory, folder }) => {
    const { text, jsonl, parquet, field } = source;
    const key = JSON.stringify([folder, directory, text, jsonl, parquet, field]);
    const tokens = known.get(key) ?? tokenize({ source, directory, folder });
    known.set(key, tokens);
    return tokens;
  };
}

// As a program of the package it lies beside the one that this file was built into.
const fromSource = import.meta.url.endsWith('.ts');
const program = new URL(fromSource ? './tokenize-process.ts' : './tokenize-process.js', import.meta.url);

/** Most of what a tokenizer makes is forgotten at once: a small nursery costs no time and keeps 80 MB of it from piling up. */
const NODE_FLAGS = ['--max-semi-space-size=4', ...(fromSource ? ['--conditions=@compress/source'] : [])];

/**
 * Tokenizes in a process of its own: the objects that a tokenizer makes of a text, some 60 bytes for each of its characters, go back to the system with it and
 * never stand beside the weights. Throws `CompressError` those of `readText` and of `openTokenizer`, and `tokenizer-ended`.
 */
function tokenize(job: TokenizeJob): Promise<TokenizedText> {
  const { promise, resolve, reject } = Promise.withResolvers<TokenizedText>();
  const child = fork(fileURLToPath(program), { execArgv: NODE_FLAGS, serialization: 'advanced' });
  child.on('message', (answer: TokenizeAnswer) => {
    if ('tokens' in answer) resolve(answer);
    else if ('code' in answer) reject(new CompressError(answer.code, answer.sentence, answer.place));
    else reject(answer.failure);
  });
  child.on('error', reject);
  child.on('exit', (code, signal) => {
    const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const message = `The process that tokenizes a text ended with ${end}: most often the machine is short of memory.`;
    reject(new CompressError('tokenizer-ended', message));
  });
  child.send(job);
  return promise;
}
