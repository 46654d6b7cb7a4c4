import type { GgufFile } from '../open-gguf.ts';
import { byteLevel, PRE_TOKENIZERS } from '../pre-tokenizers.ts';
import { CONTROL, USER_DEFINED } from '../token-types.ts';
import { createMetadataReader, importFault } from './metadata-reader.ts';

/**
 * `tokenizer.json` of a byte-level BPE vocabulary, and its special tokens by id. Throws `CompressError` `gguf-import` for other vocabularies, for
 * names of pre-tokenizers that are not known here, and where the lists do not fit together.
 */
export function bpeTokenizer(gguf: GgufFile): { readonly tokenizer: object; readonly special: SpecialTokens } {
  const metadata = createMetadataReader(gguf);
  const fault = (message: string) => importFault(message, gguf.location);
  const model = metadata.text('tokenizer.ggml.model');
  if (model !== 'gpt2') throw fault(`The vocabulary is of model ${model}; only byte-level BPE (gpt2) is imported.`);
  const pre = metadata.need(metadata.text('tokenizer.ggml.pre'), 'tokenizer.ggml.pre');
  const rule = PRE_TOKENIZERS.get(pre);
  if (rule === undefined) {
    throw fault(`The pre-tokenizer ${pre} is not known (only ${[...PRE_TOKENIZERS.keys()].join(', ')}).`);
  }
  const tokens = metadata.need(metadata.texts('tokenizer.ggml.tokens'), 'tokenizer.ggml.tokens');
  const merges = metadata.need(metadata.texts('tokenizer.ggml.merges'), 'tokenizer.ggml.merges');
  const types = gguf.metadata.get('tokenizer.ggml.token_type');
  if (types?.type !== 'array' || types.of !== 'i32' || types.value.length !== tokens.length) {
    throw fault('tokenizer.ggml.token_type must be an i32 for every token.');
  }
  if (new Set(tokens).size !== tokens.length) throw fault('tokenizer.ggml.tokens has a token twice.');
  const special = specialTokens(gguf, tokens);
  const ends = [
    ...((metadata.flag('tokenizer.ggml.add_bos_token') ?? rule.bos ?? false) ? [special.bos] : []),
    'text' as const,
    ...(metadata.flag('tokenizer.ggml.add_eos_token') ? [special.eos] : []),
  ];
  const added = tokens.flatMap((content, id) => {
    const type = types.value[id];
    if (type !== CONTROL && type !== USER_DEFINED) return [];
    const as = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...as, special: type === CONTROL }];
  });
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: rule.normalizer ?? null,
    pre_tokenizer: rule.preTokenizer,
    post_processor: ends.length === 1 ? null : template(ends, fault),
    decoder: byteLevel(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: rule.ignoreMerges ?? false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  return { tokenizer, special };
}

interface SpecialToken {
  readonly id: number;
  readonly text: string;
}

/** Those that the file names. */
export interface SpecialTokens {
  readonly bos?: SpecialToken;
  readonly eos?: SpecialToken;
  readonly pad?: SpecialToken;
}

function specialTokens(gguf: GgufFile, tokens: readonly string[]): SpecialTokens {
  const metadata = createMetadataReader(gguf);
  const found = [
    ['bos', 'bos'],
    ['eos', 'eos'],
    ['pad', 'padding'],
  ].flatMap(([name, key]) => {
    const id = metadata.natural(`tokenizer.ggml.${key}_token_id`);
    if (id === undefined) return [];
    if (id < tokens.length) return [[name, { id, text: tokens[id] }]];
    throw importFault(`tokenizer.ggml.${key}_token_id is ${id}, beyond the vocabulary.`, gguf.location);
  });
  return Object.fromEntries(found);
}

function template(ends: readonly ('text' | SpecialToken | undefined)[], fault: (message: string) => Error): object {
  const special: Record<string, object> = {};
  const around = (sequence: 'A' | 'B', type_id: number) =>
    ends.map((end) => {
      if (end === undefined) throw fault('A token is to be added around texts that the file does not name.');
      if (end === 'text') return { Sequence: { id: sequence, type_id } };
      special[end.text] = { id: end.text, ids: [end.id], tokens: [end.text] };
      return { SpecialToken: { id: end.text, type_id } };
    });
  const single = around('A', 0);
  return { type: 'TemplateProcessing', single, pair: [...single, ...around('B', 1)], special_tokens: special };
}
