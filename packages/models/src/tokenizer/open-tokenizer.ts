import { join } from 'node:path';
import { CompressError, readModelJson } from '@compress/core';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { z } from 'zod';
import { cutWords } from './cut-words.ts';
import { digitsAsSplit } from './digits-as-split.ts';
import { tokenBytes } from './token-bytes.ts';

/** Text to token ids and back, as the model was trained. */
export interface Tokenizer {
  /** `special`: put the tokens around the text that the tokenizer's post-processor asks for (a beginning-of-sequence token, mostly). */
  encode(text: string, options: { readonly special: boolean }): Uint32Array;
  /** Special tokens are written out. */
  decode(ids: ArrayLike<number>): string;
  /** How many bytes of UTF-8 text each token stands for, by id: see the function of this name. */
  tokenBytes(): Uint16Array;
}

const fileSchema = z.looseObject({ pre_tokenizer: z.unknown(), model: z.looseObject({ type: z.string().optional() }) });

/**
 * Opens the tokenizer of a model's folder: `tokenizer.json`, and `tokenizer_config.json` where there is one. Throws `CompressError`:
 * `tokenizer-missing`, `tokenizer-invalid`, which encoding and decoding may throw too: some of what is wrong with a tokenizer shows only
 * when it is used.
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const tokenizer = await readModelJson(folder, 'tokenizer.json', 'tokenizer-invalid');
  if (tokenizer === undefined)
    throw new CompressError(
      'tokenizer-missing',
      'There is no tokenizer.json in it; save the tokenizer with transformers (save_pretrained) beside the weights.',
      { file: folder },
    );
  const settings = await readModelJson(folder, 'tokenizer_config.json', 'tokenizer-invalid');
  const file = join(folder, 'tokenizer.json');
  const inner = guarded(file, () => tokenizerFrom(tokenizer, settings ?? {}));
  return {
    encode: (text, options) => guarded(file, () => inner.encode(text, options)),
    decode: (ids) => guarded(file, () => inner.decode(ids)),
    tokenBytes: () => guarded(file, () => inner.tokenBytes()),
  };
}

/** The library that does the work takes a well-formed file for granted and fails in its own words, wherever it is, at what is not. */
function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CompressError) throw cause;
    throw new CompressError('tokenizer-invalid', `This tokenizer cannot be used: ${told(cause)}.`, { file }, { cause });
  }
}

function told(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** `tokenizer` and `settings` are the parsed files. */
export function tokenizerFrom(tokenizer: unknown, settings: unknown): Tokenizer {
  const parsed = fileSchema.parse(tokenizer);
  const config = z.looseObject({}).parse(settings);
  const library = new Library({ ...parsed, pre_tokenizer: digitsAsSplit(parsed.pre_tokenizer) }, config);
  const cut = cutWords(parsed.model);
  if (cut) {
    const before = library.pre_tokenizer;
    const words = (text: string, options: object) => (before ? before(text, options) : [text]).flatMap(cut);
    // The library calls what it holds here and asks nothing else of it.
    library.pre_tokenizer = words as unknown as Library['pre_tokenizer'];
  }
  return {
    encode: (text, { special }) => Uint32Array.from(library.encode(text, { add_special_tokens: special }).ids, known),
    decode: (ids) => (ids.length === 0 ? '' : library.decode(Array.from(ids), { clean_up_tokenization_spaces: false })),
    tokenBytes: () => tokenBytes(tokenizer),
  };
}

function known(id: number | undefined): number {
  if (id !== undefined) return id;
  throw new CompressError('token-unknown', 'The text has a character that this tokenizer has no token for.');
}
