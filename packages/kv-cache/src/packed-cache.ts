import type { CacheInference, HeadGeometry } from '@compress/core';
import { createPackedSide } from './packed-side.ts';

/** The cache of one block for one sequence, packed: what a decoder holds. */
export interface PackedCache {
  readonly tokens: number;
  /** Bytes of codes, scales and floats held. */
  readonly bytes: number;
  /**
   * Takes the key and the value of the next token, `[keyHeads * headDimension]` each: keys as the model's inference says, before or after RoPE, and
   * after R3 where there is one. Older tokens are rounded as this one comes.
   */
  append(key: Float32Array, value: Float32Array): void;
  /** softmax(scale q K^T) V of the latest token's query `[heads * headDimension]`, over all tokens held, itself among them; as large. */
  attend(query: Float32Array, scale: number): Float32Array;
}

/**
 * An empty cache. It holds the bits of the simulation in the forward pass (`ageEntries`), and its sums are f64. `turn` is what becomes of a key between the
 * cache and the attention, in place: RoPE (and R3) where keys are kept before it.
 */
export function createPackedCache(p: {
  readonly cache: CacheInference;
  readonly heads: Pick<HeadGeometry, 'heads' | 'keyHeads' | 'headDimension'>;
  readonly turn?: (key: Float32Array, position: number) => void;
}): PackedCache {
  const { heads, keyHeads, headDimension } = p.heads;
  const keys = createPackedSide(p.cache.keys, p.cache, p.heads);
  const values = createPackedSide(p.cache.values, p.cache, p.heads);
  const columnOf = (head: number) => Math.floor((head * keyHeads) / heads) * headDimension;
  let tokens = 0;

  /** `[heads][tokens]`, of which each head's sum to 1. */
  function weights(query: Float32Array, scale: number): Float64Array[] {
    const scores = Array.from({ length: heads }, () => new Float64Array(tokens));
    keys.each((key, position) => {
      p.turn?.(key, position);
      for (let head = 0; head < heads; head++) {
        const [from, at] = [head * headDimension, columnOf(head)];
        for (let i = 0; i < headDimension; i++) scores[head][position] += scale * query[from + i] * key[at + i];
      }
    });
    for (const row of scores) {
      const largest = row.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
      let total = 0;
      for (let t = 0; t < tokens; t++) total += row[t] = Math.exp(row[t] - largest);
      for (let t = 0; t < tokens; t++) row[t] /= total;
    }
    return scores;
  }

  return {
    get tokens() {
      return tokens;
    },
    get bytes() {
      return keys.bytes + values.bytes;
    },
    append(key, value) {
      keys.append(key);
      values.append(value);
      tokens += 1;
    },
    attend(query, scale) {
      const shares = weights(query, scale);
      const sums = new Float64Array(heads * headDimension);
      values.each((value, position) => {
        for (let head = 0; head < heads; head++) {
          const [to, at] = [head * headDimension, columnOf(head)];
          for (let i = 0; i < headDimension; i++) sums[to + i] += shares[head][position] * value[at + i];
        }
      });
      return Float32Array.from(sums);
    },
  };
}
