import { z } from 'zod';

/** What SentencePiece writes for a space. */
const SPACE = '\u2581';

/** A token that stands for one byte: `<0x0A>`. */
const BYTE = /^<0x[0-9A-F]{2}>$/;

/** The largest vocabularies have 262,144 tokens: an array by ids must not be as long as a file claims. */
const id = z.int().nonnegative().max(0xf_ffff);

const file = z.looseObject({
  decoder: z.unknown(),
  model: z.looseObject({
    vocab: z.union([
      z.record(z.string(), id).transform((vocab) => Object.entries(vocab)),
      // Unigram: pieces with their scores, numbered from 0.
      z.array(z.tuple([z.string(), z.number()])).transform((vocab) => vocab.map(([piece], id) => [piece, id] as const)),
    ]),
  }),
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).default([]),
});

const part = z.looseObject({ type: z.string(), decoders: z.array(z.unknown()).optional() });

/**
 * How many bytes of UTF-8 text each token stands for, by id (`[largest id + 1]`, 0 where there is no token). In a byte-level tokenizer each character of a token is
 * one byte; elsewhere a token is its own text, with a space for SentencePiece's mark and one byte for a `<0x0A>`. Added tokens count as
 * they are written. So the bytes of a text's tokens add up to the bytes of the text, but for what a normalizer changed and for a space that
 * SentencePiece puts before the first word.
 *
 * `tokenizer` is the parsed tokenizer.json.
 */
export function tokenBytes(tokenizer: unknown): Uint16Array {
  const { decoder, model, added_tokens: added } = file.parse(tokenizer);
  const size = hasByteLevel(decoder) ? (token: string) => [...token].length : sentencePieceBytes;
  const ids = [...model.vocab.map(([, id]) => id), ...added.map(({ id }) => id)];
  const bytes = new Uint16Array(ids.reduce((largest, id) => Math.max(largest, id), -1) + 1);
  for (const [token, id] of model.vocab) bytes[id] = size(token);
  for (const { id, content } of added) bytes[id] = Buffer.byteLength(content);
  return bytes;
}

function hasByteLevel(decoder: unknown): boolean {
  const { data } = part.safeParse(decoder);
  return data !== undefined && (data.type === 'ByteLevel' || (data.decoders ?? []).some(hasByteLevel));
}

function sentencePieceBytes(token: string): number {
  return BYTE.test(token) ? 1 : Buffer.byteLength(token.replaceAll(SPACE, ' '));
}
