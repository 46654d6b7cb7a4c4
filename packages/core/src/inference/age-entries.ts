import type { Kernels, Matrix } from '@compress/kernels';
import { createCacheUnit } from './cache-unit.ts';
import type { CacheInference, CacheSide } from './inference.ts';

/**
 * How many of its `tokens` tokens a cache does not hold as they came, sinks counted in though they stay. With scales over tokens (KIVI's keys) the
 * residual is rounded whole when it has `window` tokens (or a group, where that is more); with scales over channels (KIVI's values) each token is that
 * leaves the latest `window`. Both happen after the newest token was attended to, so the query at position t sees a cache of t tokens, and itself.
 */
export function agedCount(
  side: CacheSide,
  { window, sinks }: Pick<CacheInference, 'window' | 'sinks'>,
  tokens: number,
): number {
  const rest = Math.max(0, tokens - sinks);
  const block = Math.max(window, side.groupSize);
  const aged = side.axis === 'channel' ? Math.floor(rest / block) * block : Math.max(0, rest - window);
  return aged === 0 ? 0 : sinks + aged;
}

/** {@link agedCount} as the query at each position sees it; 0 for a side that stays in floats. */
export function agedCounts(side: CacheSide | undefined, cache: CacheInference, length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, position) => (side ? agedCount(side, cache, position) : 0));
}

/**
 * Keys or values `[sequences * length, heads * headDimension]` as the cache holds them once they have aged: rounded but for sinks, and for tokens at the
 * end of a sequence that make no whole group. A new matrix; the same bits that a cache gives which is filled token by token.
 */
export function ageEntries(
  entries: Matrix,
  side: CacheSide,
  p: { readonly length: number; readonly headDimension: number; readonly sinks: number },
  kernels: Kernels,
): Matrix {
  const { rows, columns, data } = entries;
  const unit = createCacheUnit(side, { columns, headDimension: p.headDimension });
  const aged = kernels.matrix(rows, columns);
  aged.data.set(data);
  const size = unit.tokens * columns;
  for (let sequence = 0; sequence < rows; sequence += p.length)
    for (let token = p.sinks; token + unit.tokens <= p.length; token += unit.tokens) {
      const at = (sequence + token) * columns;
      const place = aged.data.subarray(at, at + size);
      unit.encode(data.subarray(at, at + size), (group, index) => unit.decode(group, index, place));
    }
  return aged;
}
