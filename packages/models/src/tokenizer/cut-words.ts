import { z } from 'zod';

/** What SentencePiece writes for a space. */
const SPACE = '\u2581';

const bpe = z.looseObject({
  type: z.literal('BPE').optional(),
  vocab: z.record(z.string(), z.number()),
  merges: z.array(z.unknown()),
  ignore_merges: z.boolean().nullish(),
  dropout: z.null().optional(),
});

/**
 * Tokenizers that came from SentencePiece (Llama 2, Gemma, Phi-3) merge over the whole text as if it were one word, which takes the library
 * more than linear time. This cuts the text before each space mark, wherever no merge can reach across: every token that byte pair encoding
 * makes is in the vocabulary, so where no entry holds the character followed by a space mark, no token ever spans the two, and the parts
 * encode apart to the same ids. Undefined for a tokenizer to which this does not apply.
 */
export function cutWords(model: unknown): ((text: string) => string[]) | undefined {
  const parsed = bpe.safeParse(model);
  if (!parsed.success || parsed.data.ignore_merges || !Object.hasOwn(parsed.data.vocab, SPACE)) return undefined;
  const reached = new Set<string>();
  for (const token of Object.keys(parsed.data.vocab))
    for (let at = token.indexOf(SPACE, 1); at > 0; at = token.indexOf(SPACE, at + 1)) reached.add(token[at - 1]);
  return (text) => {
    const words: string[] = [];
    let start = 0;
    for (let at = text.indexOf(SPACE, 1); at > 0; at = text.indexOf(SPACE, at + 1)) {
      if (reached.has(text[at - 1])) continue;
      words.push(text.slice(start, at));
      start = at;
    }
    words.push(text.slice(start));
    return words;
  };
}
