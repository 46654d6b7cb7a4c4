import type { Attention, Norm, Rope } from '@compress/core';
import { linear, rmsNorm, whole } from './parts.ts';

/** Attention with `q_proj`, `k_proj`, `v_proj` and an output below `path`: Llama and its kin, OPT. */
export function separateAttention(p: {
  readonly path: string;
  readonly norm: Norm;
  readonly hidden: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headDimension: number;
  readonly output?: string;
  readonly inputBias?: boolean;
  readonly outputBias?: boolean;
  /** RMSNorms `q_norm` and `k_norm` over heads. */
  readonly headNorms?: { readonly epsilon: number; readonly unitOffset: boolean };
  readonly rope?: Rope;
  readonly window?: number | undefined;
  readonly scale?: number;
  readonly outputNorm?: Norm;
}): Attention {
  const { path, hidden, heads, keyHeads, headDimension, headNorms, window } = p;
  const bias = p.inputBias ?? false;
  return {
    norm: p.norm,
    linears: [
      linear(`${path}.q_proj`, heads * headDimension, hidden, { bias }),
      linear(`${path}.k_proj`, keyHeads * headDimension, hidden, { bias }),
      linear(`${path}.v_proj`, keyHeads * headDimension, hidden, { bias }),
    ],
    query: whole(0, headDimension),
    key: whole(1, headDimension),
    value: whole(2, headDimension),
    heads,
    keyHeads,
    headDimension,
    ...(headNorms && {
      queryNorm: rmsNorm(`${path}.q_norm`, headNorms.epsilon, headNorms.unitOffset),
      keyNorm: rmsNorm(`${path}.k_norm`, headNorms.epsilon, headNorms.unitOffset),
    }),
    ...(p.rope && { rope: p.rope }),
    ...(window !== undefined && { window }),
    scale: p.scale ?? 1 / Math.sqrt(headDimension),
    output: linear(`${path}.${p.output ?? 'o_proj'}`, hidden, heads * headDimension, { bias: p.outputBias ?? false }),
    ...(p.outputNorm && { outputNorm: p.outputNorm }),
  };
}
