import type { CacheInference, CacheSide } from '@compress/core';

/** How a cache is told: `QuantizationArgs` of `kv_cache_scheme`. */
export interface CacheScheme {
  readonly num_bits: 8;
  readonly type: 'float' | 'int';
  readonly strategy: 'tensor' | 'attn_head';
  readonly symmetric: true;
  readonly dynamic: false;
}

/** Scales were calibrated, so that a checkpoint can hold them. */
export function isCalibrated({ keys, values }: CacheInference): boolean {
  return keys?.scales !== undefined || values?.scales !== undefined;
}

/** The scheme of a cache with calibrated scales; where readers cannot keep it so, why, as the end of a sentence. */
export function cacheScheme(cache: CacheInference): CacheScheme | string {
  const { keys, values, window, sinks, keysBeforeRotary } = cache;
  if (keys?.scales === undefined || values?.scales === undefined)
    return 'keys and values both need calibrated scales ("scales: tensor" or "head")';
  if (window !== 0 || sinks !== 0) return 'no token stays in floats: say "residual: 0" and "sinks: 0"';
  if (keysBeforeRotary) return 'keys are kept after RoPE: leave "beforeRope" out';
  const type = typeOf(keys);
  if (type === undefined || type !== typeOf(values)) return 'keys and values are both fp8, or both integers of 8 bits';
  if (keys.outliers !== undefined || values.outliers !== undefined) return 'there are no outliers';
  if (keys.scales.length !== values.scales.length) return 'keys and values have scales of one kind';
  return {
    num_bits: 8,
    type,
    strategy: keys.scales.length === 1 ? 'tensor' : 'attn_head',
    symmetric: true,
    dynamic: false,
  };
}

function typeOf({ grid }: CacheSide): 'float' | 'int' | undefined {
  if (grid.kind === 'fp8') return 'float';
  return grid.kind === 'int' && grid.bits === 8 ? 'int' : undefined;
}
