import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportFault } from './export-fault.ts';

/** A token that stands beside the vocabulary. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** What an export takes of `tokenizer.json` and `tokenizer_config.json`. */
export interface TokenizerFiles {
  /** Of the first, for messages. */
  readonly file: string;
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Pairs, in order. */
  readonly merges: readonly (readonly [string, string])[];
  readonly added: readonly AddedToken[];
  readonly byteFallback: boolean;
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  readonly postProcessor: unknown;
  /** The second, empty where it is absent. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly chatTemplate: string | undefined;
}

/** Reads both files. Throws `CompressError` `gguf-export` where the first is missing, or is none of byte-pair encoding. */
export async function readTokenizer(folder: string): Promise<TokenizerFiles> {
  const file = join(folder, 'tokenizer.json');
  const tokenizer = await readJson(file);
  if (tokenizer === undefined)
    throw exportFault('There is no tokenizer.json in it, which the file must carry.', folder);
  const settings = (await readJson(join(folder, 'tokenizer_config.json'))) ?? {};
  const fault = (message: string) => exportFault(message, file);
  const model = object(tokenizer.model);
  if (model.type !== 'BPE') throw fault(`The tokenizer is ${JSON.stringify(model.type)}; only BPE is exported.`);
  return {
    file,
    vocabulary: new Map(
      Object.entries(object(model.vocab)).map(([token, id]) => {
        if (Number.isSafeInteger(id) && (id as number) >= 0) return [token, id as number];
        throw fault(`The token ${JSON.stringify(token)} has no number.`);
      }),
    ),
    merges: list(model.merges).map((merge) => {
      // A text with a space between, or, since 2024, a pair.
      const pair = typeof merge === 'string' ? merge.split(' ') : merge;
      if (Array.isArray(pair) && pair.length === 2 && pair.every((half) => typeof half === 'string')) {
        return [pair[0], pair[1]] as const;
      }
      throw fault(`The merge ${JSON.stringify(merge)} is no pair.`);
    }),
    added: list(tokenizer.added_tokens).map((entry) => {
      const { id, content, special } = object(entry);
      if (Number.isSafeInteger(id) && typeof content === 'string') {
        return { id: id as number, content, special: special === true };
      }
      throw fault('An added token lacks its number or its text.');
    }),
    byteFallback: model.byte_fallback === true,
    normalizer: tokenizer.normalizer ?? null,
    preTokenizer: tokenizer.pre_tokenizer ?? null,
    postProcessor: tokenizer.post_processor ?? null,
    settings,
    chatTemplate: (await readText(join(folder, 'chat_template.jinja'))) ?? chatTemplate(settings.chat_template),
  };
}

/** One template, or, of several by name, the default. */
function chatTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const named = list(value).map(object);
  const found = named.find(({ name }) => name === 'default')?.template;
  return typeof found === 'string' ? found : undefined;
}

/** The value where it is an object, else an empty one. */
export function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The value where it is an array, else an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

async function readJson(file: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return object(JSON.parse(text));
  } catch (cause) {
    throw exportFault(`This is not JSON: ${(cause as Error).message}.`, file);
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
