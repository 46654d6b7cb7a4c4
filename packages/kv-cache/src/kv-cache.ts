import {
  type Algorithm,
  type Checkpoint,
  defineAlgorithm,
  type Model,
  type NamedGrids,
  type Objection,
} from '@compress/core';
import { cacheInference, groupSizeMessage } from './cache-inference.ts';
import { type KvCacheOptions, kvCacheOptions, type SideOptions } from './options.ts';

/** The cache as a step of a pipeline: its output's forward pass rounds keys and values. `named` are codebooks that recipes may name. */
export function createKvCache(named: NamedGrids = {}): Algorithm<KvCacheOptions> {
  return defineAlgorithm({
    name: 'kv-cache',
    stage: 'cache',
    summary: 'Keeps keys and values of attention in few bits: part of the forward pass, measured by every evaluation.',
    options: kvCacheOptions(named),
    watches: ({ keys, values, beforeRope }) =>
      [keys, values].some(({ scales }) => scales === 'head' || scales === 'tensor')
        ? { keysBeforeRotary: beforeRope }
        : undefined,
    checkModel: (model, options) => ({ objections: objections(model, options), warnings: [] }),

    infers({ attention }, options) {
      const sides = [options.keys, options.values];
      const possible = attention && sides.every((side) => fills(side.per, side.groupSize, attention.headDimension));
      if (!possible) return { sites: new Map() };
      const ones = new Float32Array(attention.keyHeads).fill(1);
      const cache = cacheInference(options, attention, { keys: ones, values: ones });
      return { sites: new Map(), attention: { cache } };
    },
    cache({ section, heads, extremes, warn }, options) {
      for (const [name, absmax] of Object.entries(extremes ?? {}))
        for (const [head, most] of absmax.entries())
          if (most === 0)
            warn({
              code: 'cache-silent-head',
              layer: section.name,
              message: `The ${name} of head ${head} were 0 for every calibration token, so its scale says nothing.`,
            });
      return cacheInference(options, heads, extremes);
    },
  });
}

/** With integers and fp8 alone. */
export const kvCache = createKvCache();

/**
 * The checkpoint with every cache kept as `options` say, in place of what its own inference says of them. Throws as {@link cacheInference}.
 */
export function withCache(checkpoint: Checkpoint, model: Model, options: KvCacheOptions): Checkpoint {
  const { sites = {}, attention = {} } = checkpoint.inference ?? {};
  const caches = model.sections.flatMap(({ name, attention: heads }) =>
    heads ? [[name, { ...attention[name], cache: cacheInference(options, heads) }] as const] : [],
  );
  return { ...checkpoint, inference: { sites, attention: { ...attention, ...Object.fromEntries(caches) } } };
}

function objections({ sections }: Model, { keys, values }: KvCacheOptions): Objection[] {
  const blocks = sections.filter(({ attention }) => attention !== undefined);
  if (blocks.length === 0)
    return [{ layer: '', message: "kv-cache keeps keys and values, of which this model's table knows nothing." }];
  return blocks.flatMap(({ name, attention }) =>
    [keys, values].flatMap(({ per, groupSize }) => {
      const { headDimension } = attention!;
      if (fills(per, groupSize, headDimension)) return [];
      return [{ layer: name, message: groupSizeMessage(groupSize as number, headDimension) }];
    }),
  );
}

function fills(per: SideOptions['per'], groupSize: SideOptions['groupSize'], headDimension: number): boolean {
  return per === 'channel' || groupSize === 'head' || headDimension % groupSize === 0;
}
