/** How text is cut into words before they are cut into tokens, as `tokenizer.json` has it. */
export interface PreTokenizer {
  readonly preTokenizer: object;
  readonly normalizer?: object;
  /** A word that is a token is taken whole. */
  readonly ignoreMerges?: true;
  /** llama.cpp puts the token of the beginning before texts if the file does not say. */
  readonly bos?: true;
}

/** The step of a byte-level vocabulary; `regex`: cut by GPT-2's expression as well. */
export const byteLevel = (regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: regex,
});

/** GPT-4's way to cut text, with runs of up to `digits` digits. */
const split = (digits: string) => ({
  type: 'Sequence',
  pretokenizers: [
    {
      type: 'Split',
      pattern: {
        Regex: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
      },
      behavior: 'Isolated',
      invert: false,
    },
    byteLevel(false),
  ],
});

const singleDigits = {
  type: 'Sequence',
  pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)],
};

/** What the names of `tokenizer.ggml.pre` stand for (llama.cpp, `src/llama-vocab.cpp`; the tokenizer.json of the models they are named for). */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map<string, PreTokenizer>([
  ['gpt-2', { preTokenizer: byteLevel(true) }],
  ['smollm', { preTokenizer: singleDigits }],
  ['starcoder', { preTokenizer: singleDigits }],
  ['llama-bpe', { preTokenizer: split('\\p{N}{1,3}'), ignoreMerges: true, bos: true }],
  ['qwen2', { preTokenizer: split('\\p{N}'), normalizer: { type: 'NFC' } }],
]);

/**
 * The name for what a `tokenizer.json` says, the first that means the same; undefined where llama.cpp has none that is known here.
 * `trim_offsets` does not change tokens, and so is not compared.
 */
export function preTokenizerName(tokenizer: { pre_tokenizer?: unknown; normalizer?: unknown }): string | undefined {
  const same = (a: unknown, b: unknown) => canonical(a) === canonical(b);
  const found = [...PRE_TOKENIZERS].find(
    ([, rule]) =>
      same(tokenizer.pre_tokenizer, rule.preTokenizer) && same(tokenizer.normalizer ?? null, rule.normalizer ?? null),
  );
  return found?.[0];
}

/** JSON with keys in order, without `trim_offsets`. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner) => {
    if (key === 'trim_offsets') return undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
