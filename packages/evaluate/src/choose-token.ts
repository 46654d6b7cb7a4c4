/** How the next token is drawn. */
export interface Sampling {
  /** Logits are divided by it; more than 0. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens, of equal ones those with the lower ids. Absent: all. */
  readonly topK?: number;
  /**
   * Of these, only the fewest likeliest tokens whose probabilities sum to at least so much, in (0, 1] (nucleus sampling, Holtzman et al., 2020). Absent:
   * all.
   */
  readonly topP?: number;
  /** The same seed draws the same tokens. */
  readonly seed: number | string;
}

/** The id of the largest logit; of equal ones the lowest. */
export function likeliestToken(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/**
 * The token that `uniform`, in [0, 1), falls on where those that {@link Sampling} leaves share the interval by their probabilities, likeliest first where it
 * leaves any out, else by id. Temperature comes first, then topK, then topP of what is left: the order of transformers. All in f64.
 */
export function drawToken(logits: Float32Array, sampling: Omit<Sampling, 'seed'>, uniform: number): number {
  const { temperature, topK = logits.length, topP = 1 } = sampling;
  const largest = logits[likeliestToken(logits)];
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  let ids = Uint32Array.from(weights.keys());
  if (topK < logits.length || topP < 1) {
    ids.sort((a, b) => logits[b] - logits[a] || a - b);
    ids = ids.subarray(0, topK);
    const share = topP * sumOf(ids, weights);
    ids = ids.subarray(0, 1 + reach(ids, weights, (sum) => sum >= share));
  }
  const share = uniform * sumOf(ids, weights);
  return ids[reach(ids, weights, (sum) => sum > share)];
}

function sumOf(ids: Uint32Array, weights: Float64Array): number {
  return ids.reduce((sum, id) => sum + weights[id], 0);
}

/** The place of the first of `ids` with which the sum of weights is enough; of the last where it never is. */
function reach(ids: Uint32Array, weights: Float64Array, isEnough: (sum: number) => boolean): number {
  let sum = 0;
  for (let i = 0; i < ids.length; i++) {
    sum += weights[ids[i]];
    if (isEnough(sum)) return i;
  }
  return ids.length - 1;
}
