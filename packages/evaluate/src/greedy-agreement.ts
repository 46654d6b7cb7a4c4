import type { HeldModel } from '@compress/core';
import { generate } from './generate.ts';
import { meanFigure } from './mean-figure.ts';

/** How long two models say the same, each going on by itself from the same prompts with its likeliest token. */
export interface GreedyAgreement {
  readonly prompts: number;
  /** New tokens after each prompt. */
  readonly tokens: number;
  /** Of every prompt, how many new tokens come before the first that differs; all of them where none does. */
  readonly agreed: { readonly mean: number; readonly median: number; readonly least: number };
  /** Prompts after which none differs. */
  readonly whole: number;
}

/**
 * What a model says after each prompt, greedily: `tokens` ids for each, whatever ends a text being a token like others. Throws as {@link generate}.
 */
export async function decodeGreedily(p: {
  readonly held: HeldModel;
  /** Token ids, at least one each, which with `tokens` more fit in the model's context. */
  readonly prompts: readonly Uint32Array[];
  readonly tokens: number;
  readonly signal?: AbortSignal;
  /** Called after each token. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}): Promise<Uint32Array[]> {
  const { held, prompts, tokens, signal, onProgress } = p;
  const total = prompts.length * tokens;
  let done = 0;
  const onToken = () => onProgress?.({ done: ++done, total });
  const said: Uint32Array[] = [];
  for (const prompt of prompts)
    said.push((await generate({ held, prompt, tokens, ...(signal && { signal }), onToken })).tokens);
  return said;
}

/** Compares what two models said after the same prompts, as many tokens each. */
export function compareGreedy(reference: readonly Uint32Array[], own: readonly Uint32Array[]): GreedyAgreement {
  const [{ length: tokens }] = reference;
  const agreed = Float64Array.from(reference, (theirs, i) => {
    const first = theirs.findIndex((token, t) => token !== own[i][t]);
    return first < 0 ? tokens : first;
  });
  const sorted = agreed.toSorted();
  return {
    prompts: reference.length,
    tokens,
    agreed: { mean: meanFigure(agreed).mean, median: sorted[Math.ceil(sorted.length / 2) - 1], least: sorted[0] },
    whole: agreed.filter((length) => length === tokens).length,
  };
}
