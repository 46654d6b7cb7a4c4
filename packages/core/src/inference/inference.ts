/**
 * What a compressed model's forward pass does that the float model's does not: part of its function, so it is measured by every
 * evaluation and seen by every later step of the walk. Plain data, keyed by site or section; it lies beside the weights in
 * `inference.json`, for formats and consumers that know it.
 */
export interface Inference {
  /** By site name: what happens to the activation before its Linears read it, the rotation first. */
  readonly sites: Readonly<Record<string, SiteInference>>;
  /** By section name: what happens to queries, keys and values inside its attention. */
  readonly attention: Readonly<Record<string, AttentionInference>>;
}

/** What happens to the activation of one site. */
export interface SiteInference {
  /** x becomes H x (R4 of QuaRot); the Linears' weights carry its inverse. */
  readonly rotation?: RotationSpec;
  readonly quantizer?: ActivationQuantizer;
}

/** An orthonormal matrix for each `size` neighbouring channels, by name, so that a file need not carry it: that of `Kernels.hadamard` with `hadamardCore(size)`. */
export interface RotationSpec {
  readonly kind: 'hadamard';
  readonly size: number;
}

/**
 * Symmetric rounding of activations, half to even: to integers, scale = absmax / (2^(bits-1) - 1) (SmoothQuant, Xiao et al. 2022; `Kernels.fakeQuantize`), or to E4M3,
 * scale = absmax / 448.
 */
export interface ActivationQuantizer {
  /** Absent: integers. */
  readonly grid?: 'fp8';
  /** 2..8; of E4M3 8. */
  readonly bits: number;
  /** A scale for each token as it comes (dynamic), or one calibrated for all (static). */
  readonly scale: 'token' | number;
}

/** What happens inside one section's attention. */
export interface AttentionInference {
  /** Queries and keys of each head are transformed after RoPE (R3 of QuaRot): scores are unchanged, cached keys are not. */
  readonly rotation?: RotationSpec;
  /** How the cache holds keys and values. */
  readonly cache?: CacheInference;
}

/** The cache of one section: sides apart. What a query sees of it is told by `agedCount`. */
export interface CacheInference {
  readonly keys?: CacheSide;
  readonly values?: CacheSide;
  /** Keys are rounded before RoPE is applied to them (KVQuant) instead of after (KIVI). */
  readonly keysBeforeRotary: boolean;
  /** The latest tokens that stay in floats, KIVI's residual window; where it is longer than a group of tokens, a multiple of it. */
  readonly window: number;
  /** The first tokens, which stay in floats: attention sinks. */
  readonly sinks: number;
}

/** One of keys and values. Rows are tokens, columns the channels of one head. */
export interface CacheSide {
  /**
   * `int`: codes of `bits` between the group's minimum and maximum; `fp8`: E4M3, absmax becoming 448; `levels`: a table, ascending, whose largest
   * magnitude the group's absmax becomes, or whose 1 the root of its mean square (`norm`).
   */
  readonly grid:
    | { readonly kind: 'int'; readonly bits: number }
    | { readonly kind: 'fp8' }
    | { readonly kind: 'levels'; readonly levels: readonly number[]; readonly scale: 'absmax' | 'norm' };
  /** What shares a scale: `channel`, one channel over `groupSize` neighbouring tokens; `token`, `groupSize` neighbouring channels of one head of one token. */
  readonly axis: 'channel' | 'token';
  readonly groupSize: number;
  /** Calibrated scales, one a head or one in all, in place of those of each group; integers then lie around 0. */
  readonly scales?: readonly number[];
  /** The share of each group, rounded up to whole values, that stands out most and is kept in f16. */
  readonly outliers?: number;
}
