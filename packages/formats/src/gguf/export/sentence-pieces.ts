import type { GgufValue } from '../gguf-value.ts';
import { BYTE, CONTROL, NORMAL, UNKNOWN, USER_DEFINED } from '../token-types.ts';
import { exportFault } from './export-fault.ts';
import { list, object, type TokenizerFiles } from './read-tokenizer.ts';
import type { Piece } from './tokenizer-keys.ts';

/** What llama.cpp's own converter gives tokens that no merge makes. */
const NEVER = -1000;

/**
 * The keys of a vocabulary that was converted from SentencePiece, for the tokenizer `llama`. That one joins the neighbours whose union has the
 * highest score; the scores here are by the order of the merges, so that it joins the same. Throws `CompressError` `gguf-export` for normalizers that it
 * does not have.
 */
export function sentencePieces(tokenizer: TokenizerFiles, pieces: readonly Piece[]): ReadonlyMap<string, GgufValue> {
  const ranks = new Map<string, number>();
  for (const [rank, [left, right]] of tokenizer.merges.entries()) {
    const joined = left + right;
    if (!ranks.has(joined)) ranks.set(joined, rank);
  }
  const unknown = object(tokenizer.settings.unk_token).content ?? tokenizer.settings.unk_token ?? '<unk>';
  const types = pieces.map(({ text, type }) => {
    if (/^<0x[0-9A-F]{2}>$/.test(text)) return BYTE;
    return text === unknown ? UNKNOWN : type;
  });
  const score = ({ text }: Piece, type: number): number => {
    if (type === CONTROL || type === USER_DEFINED) return NEVER;
    return type === NORMAL ? -(ranks.get(text) ?? ranks.size) : 0;
  };
  // Tokens that were added keep their spaces: llama.cpp writes them so.
  const texts = pieces.map(({ text }, i) => (types[i] === USER_DEFINED ? text.replaceAll('\u2581', ' ') : text));
  return new Map<string, GgufValue>([
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'default' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: texts }],
    [
      'tokenizer.ggml.scores',
      { type: 'array', of: 'f32', value: Float32Array.from(pieces, (p, i) => score(p, types[i])) },
    ],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: Int32Array.from(types) }],
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: spaceBefore(tokenizer) }],
  ]);
}

/** Whether a space is put before a text. */
function spaceBefore({ normalizer, preTokenizer, file }: TokenizerFiles): boolean {
  const whole = object(normalizer);
  const steps = whole.type === 'Sequence' ? list(whole.normalizers).map(object) : [whole];
  const replaces = steps.some(
    ({ type, pattern, content }) => type === 'Replace' && object(pattern).String === ' ' && content === '\u2581',
  );
  const prepends = steps.some(({ type, prepend }) => type === 'Prepend' && prepend === '\u2581');
  if (replaces && steps.length === (prepends ? 2 : 1) && preTokenizer === null) return prepends;
  // Newer files say the same in a pre-tokenizer.
  const { type, replacement, prepend_scheme } = object(preTokenizer);
  if (type === 'Metaspace' && replacement === '\u2581' && (normalizer === null || steps.length === 0)) {
    return prepend_scheme !== 'never';
  }
  throw exportFault('Its normalizer is none that llama.cpp has for vocabularies of SentencePiece.', file);
}
