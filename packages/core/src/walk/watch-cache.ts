import type { Matrix } from '@compress/kernels';
import type { CacheExtremes } from '../algorithm/algorithm.ts';
import type { CacheWatch } from '../inference/section-inference.ts';
import type { HeadGeometry } from '../model/model.ts';

/** Takes the largest magnitude of each head, over all tokens that are seen. */
export function watchExtremes(
  { keyHeads, headDimension }: HeadGeometry,
  { keysBeforeRotary }: Pick<CacheWatch, 'keysBeforeRotary'>,
): CacheWatch & { readonly extremes: CacheExtremes } {
  const extremes = { keys: new Float32Array(keyHeads), values: new Float32Array(keyHeads) };
  function raise(most: Float32Array, { data, columns }: Matrix): void {
    for (let i = 0; i < data.length; i++) {
      const head = Math.floor((i % columns) / headDimension);
      const magnitude = Math.abs(data[i]);
      if (!(magnitude <= most[head])) most[head] = magnitude;
    }
  }
  return {
    keysBeforeRotary,
    extremes,
    see(keys, values) {
      raise(extremes.keys, keys);
      raise(extremes.values, values);
    },
  };
}
