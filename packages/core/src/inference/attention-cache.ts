import type { Matrix } from '@compress/kernels';

/** Keys and values of the attention of one section, for one sequence that goes on. */
export interface AttentionCache {
  /** Tokens held. */
  readonly tokens: number;
  /** Bytes of what is held: codes, scales and floats. */
  readonly bytes: number;
  /**
   * Takes the keys and values of the next tokens, `[tokens, keyHeads * headDimension]` each, which are copied: keys as the section's inference says,
   * before or after RoPE, and after R3 where there is one. For tokens whose attention was computed elsewhere: all that a sequence begins with.
   */
  append(keys: Matrix, values: Matrix): void;
  /** Takes the next tokens likewise, and gives what their queries `[tokens, heads * headDimension]` read of all that is held; as large. */
  attend(p: { readonly queries: Matrix; readonly keys: Matrix; readonly values: Matrix }): Promise<Matrix>;
}

/** What a sequence has behind it when it goes on. */
export interface Past {
  /** Tokens that went through all sections: the position of the next one. Whoever runs the sections counts. */
  tokens: number;
  /** By section name. A section makes its own when a sequence begins, and holds it by what its inference says. */
  readonly caches: Map<string, AttentionCache>;
}

/** What a sequence has behind it when it begins. */
export function emptyPast(): Past {
  return { tokens: 0, caches: new Map() };
}
