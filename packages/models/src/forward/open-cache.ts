import { type Attention, type AttentionCache, createFloatCache, createPackedCache, type Past } from '@compress/core';
import { turnHeads } from './turn-heads.ts';
import type { Workplace } from './workplace.ts';

/** A section's cache of the sequence that has `past` behind it; a new one where that begins: packed where the section's inference quantizes it, else in floats. */
export function openCache(attention: Attention, section: string, past: Past, place: Workplace): AttentionCache {
  const known = past.caches.get(section);
  if ((known?.tokens ?? 0) !== past.tokens)
    throw new TypeError(
      `${section} holds ${known?.tokens ?? 0} tokens of a sequence that has ${past.tokens} behind it`,
    );
  if (known) return known;
  const { heads, keyHeads, headDimension, rope, window, scale } = attention;
  const { kernels, weights } = place;
  const cache = weights.inference.attention?.cache;
  const p = {
    heads: { heads, keyHeads, headDimension },
    scale,
    ...(window !== undefined && { window }),
    kernels,
  };
  const opened = cache
    ? createPackedCache({
        ...p,
        cache,
        ...(cache.keysBeforeRotary && {
          turn: (keys) =>
            turnHeads(keys, { ...(rope && { rope }), heads: keyHeads, length: keys.rows, offset: 0 }, place),
        }),
      })
    : createFloatCache(p);
  past.caches.set(section, opened);
  return opened;
}
