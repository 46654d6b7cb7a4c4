/**
 * Rotary position embeddings (Su et al. 2021): dimension pair i of a head turns by position * frequency[i]. Scaling stretches the
 * frequencies so that a model reaches further than it was trained. All in float64.
 */
export interface Rope {
  /** Leading dimensions of a head that are rotated. */
  readonly dimensions: number;
  /** Factor of cos and sin (YaRN, LongRoPE). */
  readonly amplitude: number;
  /** `[dimensions / 2]` radians per position, for sequences of `length` tokens; the same array for lengths that have the same. */
  frequencies(length: number): Float64Array;
}
