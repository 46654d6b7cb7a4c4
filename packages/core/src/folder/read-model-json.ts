import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import { folderFile } from './folder-file.ts';

/** Vocabularies of 256,000 tokens with their merges take 35 MB; what is larger is no file of a model, or not this one. */
const MAX_TEXT_BYTES = 100_000_000;

/** No file of a model has ten levels; recursion over what a stranger nested must end. */
const MAX_DEPTH = 64;

/**
 * The text of a file of a model's folder, or undefined where nothing has that name. Throws `CompressError` `file-too-large`, and those of
 * {@link folderFile}.
 */
export async function readModelText(folder: string, name: string): Promise<string | undefined> {
  return (await readModelBytes(folder, name))?.toString();
}

/** The same as bytes. Throws as {@link readModelText}. */
export async function readModelBytes(folder: string, name: string): Promise<Buffer | undefined> {
  const file = await folderFile(folder, name);
  if (file === undefined) return undefined;
  if ((await stat(file)).size > MAX_TEXT_BYTES) {
    throw new CompressError(
      'file-too-large',
      `The file has more than ${MAX_TEXT_BYTES / 1e6} MB: no model needs that.`,
      {
        file,
      },
    );
  }
  return readFile(file);
}

/** The value of a JSON file of a model's folder; `code` is that of the `CompressError` thrown where it is none. Throws also as {@link readModelText}. */
export async function readModelJson(folder: string, name: string, code: string): Promise<unknown> {
  const text = await readModelText(folder, name);
  return text === undefined ? undefined : parseJson(text, join(folder, name), code);
}

/** `JSON.parse` with an end to nesting, so that what walks over the value may recurse. Throws `CompressError` `code`. */
export function parseJson(text: string, file: string, code: string): unknown {
  const value = parse(text, file, code);
  if (isDeeper(text, MAX_DEPTH)) {
    throw new CompressError(
      code,
      `Its values are nested deeper than ${MAX_DEPTH} levels: this is no file of a model.`,
      {
        file,
      },
    );
  }
  return value;
}

function parse(text: string, file: string, code: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CompressError(code, `This is not JSON: ${(cause as Error).message}.`, { file }, { cause });
  }
}

/** True if valid JSON nests arrays and objects more than `limit` deep. */
function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  // Strings whole, so that brackets inside of them are none.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > limit) return true;
  }
  return false;
}
