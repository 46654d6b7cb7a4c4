import type { Tokenizer } from '@compress/models';

/** The text that tokens add to a prompt, piece by piece as they come. */
export interface TextStream {
  /** What this token adds, as far as it is whole characters: a token may end within one. */
  push(token: number): string;
  /** What was held back. */
  end(): string;
}

/** What a tokenizer writes for bytes that make no character, or none yet. */
const INCOMPLETE = /\uFFFD+$/;

/** `prompt` is decoded along, since some tokenizers write the first token of a text otherwise than those after it. */
export function streamText(tokenizer: Tokenizer, prompt: Uint32Array): TextStream {
  const ids = Array.from(prompt);
  let shown = tokenizer.decode(ids).length;
  const take = (text: string) => {
    shown += text.length;
    return text;
  };
  const rest = () => tokenizer.decode(ids).slice(shown);
  return {
    push(token) {
      ids.push(token);
      return take(rest().replace(INCOMPLETE, ''));
    },
    end: () => take(rest()),
  };
}
