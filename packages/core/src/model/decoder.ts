import type { LinearSpec } from './model.ts';
import type { Rope } from './rope.ts';

/** Activations of a feed-forward network, by the names that kernels know. */
export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu';

/** A norm and the tensors that it reads. */
export interface Norm {
  readonly kind: 'rms' | 'layer';
  readonly gain: string;
  readonly bias?: string;
  readonly epsilon: number;
  /** The gain is stored less 1 (Gemma). */
  readonly unitOffset: boolean;
}

/**
 * Where one of several equal parts lies among the output rows of a site's Linears: part i is rows [first + i stride, + size) of
 * `linears[linear]`. Parts are heads of an attention, or the gate and up halves of a fused feed-forward (one part, stride = size).
 */
export interface Span {
  readonly linear: number;
  readonly first: number;
  readonly stride: number;
}

/** Causal self-attention over heads of one size. */
export interface Attention {
  readonly norm: Norm;
  /** The Linears that share the normed input: q, k and v, or one that holds all three. */
  readonly linears: readonly LinearSpec[];
  readonly query: Span;
  readonly key: Span;
  readonly value: Span;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headDimension: number;
  /** RMSNorm over each head, before the rotation. */
  readonly queryNorm?: Norm;
  readonly keyNorm?: Norm;
  readonly rope?: Rope;
  /** Keys a query sees, itself included; undefined: all before it. */
  readonly window?: number;
  /** Factor of the scores, most often headDimension^-1/2. */
  readonly scale: number;
  readonly output: LinearSpec;
  /** Norm between the attention and the residual stream (Gemma). */
  readonly outputNorm?: Norm;
}

/** down(activation(gate x) * up x), or down(activation(gate x)) without `up`. */
export interface Network {
  readonly linears: readonly LinearSpec[];
  readonly gate: Span;
  readonly up?: Span;
  /** Width between the Linears. */
  readonly features: number;
  readonly activation: Activation;
  readonly down: LinearSpec;
}

/** One feed-forward network for all tokens. */
export interface FeedForward {
  readonly kind: 'dense';
  readonly norm: Norm;
  readonly network: Network;
  readonly outputNorm?: Norm;
  /** It reads the block's input, not the attention's result, and both are added to the stream (GPT-NeoX). */
  readonly parallel?: boolean;
}

/** A router sends each token to the `chosen` best of many networks, weighted by softmax over all, then made to sum to 1 (Mixtral). */
export interface Experts {
  readonly kind: 'experts';
  readonly norm: Norm;
  readonly router: LinearSpec;
  readonly chosen: number;
  /** Each with its module path. */
  readonly networks: readonly (Network & { readonly path: string })[];
}

/** One decoder block. */
export interface Block {
  /** Module path, e.g. `model.layers.0`. */
  readonly path: string;
  readonly attention: Attention;
  readonly feedForward: FeedForward | Experts;
}

/** A decoder as data: everything that a forward pass needs to know of a model but its weights. */
export interface Decoder {
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** `[vocabulary, hidden]` */
  readonly tokenTable: string;
  /** Factor of the token's row (Gemma). */
  readonly embeddingScale: number;
  /** Learned positions: `[contextLength + offset, hidden]`; position p is row p + offset. */
  readonly positions?: { readonly table: string; readonly offset: number };
  readonly blocks: readonly Block[];
  readonly finalNorm: Norm;
  /** Module path of the output head; its weight is the token table where `tied`. */
  readonly head: string;
  readonly tied: boolean;
}
