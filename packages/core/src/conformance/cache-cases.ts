import assert from 'node:assert/strict';
import type { CacheExtremes, Warning } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';
import { createCacheUnit } from '../inference/cache-unit.ts';
import type { CacheInference } from '../inference/inference.ts';
import { parseInference } from '../inference/inference-file.ts';
import type { HeadGeometry, SectionSpec } from '../model/model.ts';
import type { ConformanceCase, ConformanceRequest } from './case.ts';

const HEADS: HeadGeometry = { heads: 8, keyHeads: 4, headDimension: 128 };
const SECTION: SectionSpec = { name: 'blocks.0', kind: 'block', tensors: [], sites: [], links: [], attention: HEADS };

/** What the walk, the forward pass and readers of the output rely on where an algorithm treats caches. */
export function cacheCases<Options>(
  { algorithm }: Pick<ConformanceRequest<Options>, 'algorithm'>,
  options: Options,
): ConformanceCase[] {
  function treat(extremes: CacheExtremes): { cache: CacheInference; warnings: Warning[] } {
    const warnings: Warning[] = [];
    const context = {
      section: SECTION,
      heads: HEADS,
      ...(algorithm.watches?.(options) && { extremes }),
      warn: (warning: Warning) => void warnings.push(warning),
    };
    return { cache: algorithm.cache!(context, options), warnings };
  }
  const seen = (value: number): CacheExtremes => ({
    keys: Float32Array.of(3, value, 0.5, 1),
    values: Float32Array.of(2, 1, 4, value),
  });

  return [
    {
      name: 'gives plain data that a forward pass can read, the same again for the same',
      run: async () => {
        const { cache } = treat(seen(1));
        const inference = { sites: {}, attention: { [SECTION.name]: { cache } } };
        assert.deepEqual(parseInference(JSON.stringify(inference), 'memory'), inference);
        assert.deepEqual(treat(seen(1)).cache, cache);
        for (const side of [cache.keys, cache.values])
          if (side) createCacheUnit(side, { columns: HEADS.keyHeads * HEADS.headDimension, ...HEADS });
      },
    },
    {
      name: 'meets heads that are always 0: its scales are positive',
      run: async () => {
        const { cache, warnings } = treat(seen(0));
        for (const scale of [...(cache.keys?.scales ?? []), ...(cache.values?.scales ?? [])])
          assert.ok(scale > 0 && Number.isFinite(scale), `a scale is ${scale}`);
        if (algorithm.watches?.(options)) assert.ok(warnings.length > 0, 'a head was 0 throughout, and nothing said');
        for (const { layer } of warnings) assert.equal(layer, SECTION.name);
      },
    },
    {
      name: 'refuses keys and values that are no numbers',
      run: async () => {
        if (!algorithm.watches?.(options)) return;
        assert.throws(
          () => treat(seen(Number.NaN)),
          (error) => error instanceof CompressError && error.code === 'activations-not-finite',
        );
      },
    },
    {
      name: 'objects to a model without attention',
      run: async () => {
        const { attention: _, ...plain } = SECTION;
        const model = { sections: [plain] } as unknown as Parameters<NonNullable<typeof algorithm.checkModel>>[0];
        assert.ok((algorithm.checkModel?.(model, options).objections.length ?? 0) > 0);
      },
    },
  ];
}
