import type { GgufValue } from '../gguf-value.ts';
import { PRE_TOKENIZERS, preTokenizerName } from '../pre-tokenizers.ts';
import { CONTROL, NORMAL, UNUSED, USER_DEFINED } from '../token-types.ts';
import { exportFault } from './export-fault.ts';
import { list, object, type TokenizerFiles } from './read-tokenizer.ts';
import { sentencePieces } from './sentence-pieces.ts';

/** A token's text as the file has it, and what it is. */
export interface Piece {
  readonly text: string;
  readonly type: number;
}

/**
 * The keys `tokenizer.*` (llama.cpp, `gguf-py/gguf/vocab.py`) of a byte-level vocabulary (`gpt2`), or of one converted from SentencePiece
 * (`llama`), for an embedding of `size` rows. Throws `CompressError` `gguf-export` for a way of cutting text that llama.cpp has no name for that
 * is known here, and for a vocabulary that does not fit.
 */
export function tokenizerKeys(
  tokenizer: TokenizerFiles,
  config: Readonly<Record<string, unknown>>,
  size: number,
): ReadonlyMap<string, GgufValue> {
  const keys = new Map<string, GgufValue>();
  const pieces = piecesOf(tokenizer, size);
  if (tokenizer.byteFallback) {
    for (const [key, value] of sentencePieces(tokenizer, pieces)) keys.set(key, value);
  } else {
    keys.set('tokenizer.ggml.model', { type: 'string', value: 'gpt2' });
    keys.set('tokenizer.ggml.pre', { type: 'string', value: preTokenizer(tokenizer) });
    keys.set('tokenizer.ggml.tokens', { type: 'array', of: 'string', value: pieces.map(({ text }) => text) });
    keys.set('tokenizer.ggml.token_type', {
      type: 'array',
      of: 'i32',
      value: Int32Array.from(pieces, ({ type }) => type),
    });
    const merges = tokenizer.merges.map((pair) => pair.join(' '));
    keys.set('tokenizer.ggml.merges', { type: 'array', of: 'string', value: merges });
  }
  const special = specialIds(tokenizer, config, pieces);
  for (const [name, id] of special) keys.set(`tokenizer.ggml.${name}_token_id`, { type: 'u32', value: id });
  const around = addedAround(tokenizer, special);
  keys.set('tokenizer.ggml.add_bos_token', { type: 'bool', value: around.bos });
  keys.set('tokenizer.ggml.add_eos_token', { type: 'bool', value: around.eos });
  if (tokenizer.chatTemplate) keys.set('tokenizer.chat_template', { type: 'string', value: tokenizer.chatTemplate });
  return keys;
}

function piecesOf({ vocabulary, added, file }: TokenizerFiles, size: number): Piece[] {
  const pieces: (Piece | undefined)[] = new Array(size).fill(undefined);
  const put = (id: number, piece: Piece) => {
    if (id >= size)
      throw exportFault(`The token ${JSON.stringify(piece.text)} is ${id}, the embedding has ${size} rows.`, file);
    pieces[id] = piece;
  };
  for (const [text, id] of vocabulary) put(id, { text, type: NORMAL });
  for (const { id, content, special } of added) {
    put(id, { text: content, type: special || /^<\|.*\|>$/.test(content) ? CONTROL : USER_DEFINED });
  }
  const filled = pieces.map((piece, id) => piece ?? { text: `[PAD${id}]`, type: UNUSED });
  const seen = new Set<string>();
  for (const { text } of filled) {
    if (seen.has(text))
      throw exportFault(`Two tokens have the text ${JSON.stringify(text)}, which llama.cpp refuses.`, file);
    seen.add(text);
  }
  return filled;
}

function preTokenizer({ preTokenizer, normalizer, file }: TokenizerFiles): string {
  const name = preTokenizerName({ pre_tokenizer: preTokenizer, normalizer });
  if (name !== undefined) return name;
  const known = [...PRE_TOKENIZERS.keys()].join(', ');
  throw exportFault(
    `Its way to cut text into words has no name in llama.cpp that is known here (only ${known}).`,
    file,
  );
}

/** By tokenizer_config.json, else by config.json. */
function specialIds(
  { settings, file }: TokenizerFiles,
  config: Readonly<Record<string, unknown>>,
  pieces: readonly Piece[],
): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const names = [
    ['bos', 'bos'],
    ['eos', 'eos'],
    ['unknown', 'unk'],
    ['padding', 'pad'],
  ];
  for (const [name, short] of names) {
    const setting = settings[`${short}_token`];
    const text = typeof setting === 'string' ? setting : object(setting).content;
    const given = config[`${short}_token_id`];
    const found = pieces.findIndex((piece) => piece.text === text);
    const id = found >= 0 ? found : (list(given)[0] ?? given);
    if (id === undefined || id === null) continue;
    if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= pieces.length) {
      throw exportFault(`${short}_token_id is ${JSON.stringify(id)}, which is no token.`, file);
    }
    ids.set(name, id as number);
  }
  return ids;
}

/** Which special tokens the post-processor puts around a text. */
function addedAround({ postProcessor, file }: TokenizerFiles, special: ReadonlyMap<string, number>) {
  const processor = object(postProcessor);
  const template = [processor, ...list(processor.processors).map(object)].find(
    ({ type }) => type === 'TemplateProcessing',
  );
  const single = list(template?.single).map(object);
  const text = single.findIndex((part) => part.Sequence !== undefined);
  const ids = single.map((part) => {
    const { id } = object(part.SpecialToken);
    return list(object(object(template?.special_tokens)[String(id)]).ids)[0];
  });
  const check = (parts: readonly unknown[], name: 'bos' | 'eos'): boolean => {
    if (parts.length === 0) return false;
    if (parts.length === 1 && parts[0] === special.get(name)) return true;
    const side = name === 'bos' ? 'before' : 'after';
    throw exportFault(`It puts other tokens ${side} a text than its ${name}_token, which llama.cpp cannot.`, file);
  };
  return { bos: check(ids.slice(0, Math.max(0, text)), 'bos'), eos: check(text < 0 ? [] : ids.slice(text + 1), 'eos') };
}
