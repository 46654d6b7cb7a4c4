import type { Checkpoint, Model } from '@compress/core';
import type { Kernels } from '@compress/kernels';

/** Tokens that go through a model together. Those at positions [from, tokens.length) are scored, each from all that stand before it. */
export interface Sequence {
  readonly tokens: Uint32Array;
  /** At least 1: the first token has nothing before it. */
  readonly from: number;
}

/** A model and what goes through it. */
export interface SequenceWalk {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  readonly sequences: readonly Sequence[];
  readonly signal?: AbortSignal;
  /** Called after each piece of work; `done / total` is the share of the multiplications behind us. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}
