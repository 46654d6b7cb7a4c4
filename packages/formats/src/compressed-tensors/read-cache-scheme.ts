import { type CacheInference, type CacheSide, CompressError, type HeadGeometry } from '@compress/core';
import type { CacheScheme } from './cache-scheme.ts';
import { configurationError, type Fields, refuseOthers, text } from './fields.ts';

const WITHOUT_MEANING = ['observer', 'observer_kwargs', 'scale_dtype', 'zp_dtype', 'group_size'];

/** `kv_cache_scheme`. Throws `CompressError` `quantization-config`. */
export function readCacheScheme(fields: Fields, location: string): CacheScheme {
  const fail = (message: string) => configurationError(`kv_cache_scheme: ${message}`, location);
  refuseOthers(
    fields,
    [...WITHOUT_MEANING, 'num_bits', 'type', 'strategy', 'symmetric', 'dynamic'],
    'kv_cache_scheme',
    location,
  );
  const { num_bits: bits = 8, type = 'int', strategy = 'tensor', symmetric = true, dynamic = false } = fields;
  if (bits !== 8) throw fail(`num_bits must be 8, not ${text(bits)}.`);
  if (type !== 'float' && type !== 'int') throw fail(`type must be float or int, not ${text(type)}.`);
  if (strategy !== 'tensor' && strategy !== 'attn_head')
    throw fail(`strategy must be tensor or attn_head, not ${text(strategy)}.`);
  if (symmetric !== true) throw fail('zero points are not read.');
  if (dynamic !== false) throw fail('scales must be calibrated ones: dynamic must be false.');
  return { num_bits: 8, type, strategy, symmetric, dynamic };
}

/** The cache of a scheme: every key after RoPE and every value is rounded. Throws `CompressError` `compressed-tensors-parts` for a wrong number of scales. */
export function cacheOfScheme(
  { type, strategy }: CacheScheme,
  scales: { readonly keys: readonly number[]; readonly values: readonly number[] },
  { keyHeads, headDimension }: HeadGeometry,
  module: string,
): CacheInference {
  const grid: CacheSide['grid'] = type === 'float' ? { kind: 'fp8' } : { kind: 'int', bits: 8 };
  const side = (of: readonly number[]): CacheSide => {
    const expected = strategy === 'tensor' ? 1 : keyHeads;
    if (of.length !== expected)
      throw new CompressError('compressed-tensors-parts', `The cache has ${of.length} scales and needs ${expected}.`, {
        layer: module,
      });
    return { grid, axis: 'token', groupSize: headDimension, scales: of };
  };
  return { keys: side(scales.keys), values: side(scales.values), keysBeforeRotary: false, window: 0, sinks: 0 };
}
