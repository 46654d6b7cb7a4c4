/** Token ids of a text and of what may come after it. */
export interface EncodedPair {
  readonly context: Uint32Array;
  readonly continuation: Uint32Array;
}

/**
 * A text and its continuation as lm-eval encodes them: spaces at the end of the text go to the continuation, both are encoded together, and the pair is cut after as many
 * tokens as the text has alone. So a token that spans the border falls to the side where its place is, and the pair is what the model would see.
 * `encode` adds no special tokens.
 */
export function encodePair(encode: (text: string) => Uint32Array, context: string, continuation: string): EncodedPair {
  const text = context.trimEnd();
  const whole = encode(context + continuation);
  const cut = text === '' ? 0 : encode(text).length;
  return { context: whole.slice(0, cut), continuation: whole.slice(cut) };
}
