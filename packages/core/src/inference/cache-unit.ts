import { CompressError } from '../errors.ts';
import { type CacheCodec, type CodedGroup, createCacheCodec } from './cache-codec.ts';
import type { CacheSide } from './inference.ts';

/** What a cache rounds at once: a group of tokens with all their channels, or one token. */
export interface CacheUnit {
  /** Tokens of a unit. */
  readonly tokens: number;
  readonly groups: number;
  readonly codec: CacheCodec;
  /** Rounds `[tokens, columns]` values group by group; a group given to `take` lives until `take` returns. */
  encode(values: Float32Array, take: (group: CodedGroup, index: number) => void): void;
  /** An empty group to decode from. */
  group(index: number): CodedGroup;
  /** Writes the values of one group to their places in `[tokens, columns]`. */
  decode(group: CodedGroup, index: number, output: Float32Array): void;
}

/** How a side of the cache is cut into units, for keys or values of `columns` = heads x `headDimension`. Throws `CompressError` `group-size` where groups of channels do not fill a head. */
export function createCacheUnit(
  side: CacheSide,
  { columns, headDimension }: { readonly columns: number; readonly headDimension: number },
): CacheUnit {
  const { axis, groupSize, scales } = side;
  if (axis === 'token' && headDimension % groupSize !== 0)
    throw new CompressError(
      'group-size',
      `The cache has groups of ${groupSize} channels, which do not fill heads of ${headDimension}; choose a divisor.`,
    );
  const codec = createCacheCodec(side, groupSize);
  const values = new Float32Array(groupSize);
  const [tokens, groups] = axis === 'channel' ? [groupSize, columns] : [1, columns / groupSize];
  // Where value i of a group lies: a column of the unit, or neighbours in its only row.
  const [stride, step] = axis === 'channel' ? [1, columns] : [groupSize, 1];
  const scaleOf = (group: number) =>
    scales && (scales.length === 1 ? scales[0] : scales[Math.floor((group * stride) / headDimension)]);
  return {
    tokens,
    groups,
    codec,
    encode(unit, take) {
      for (let g = 0; g < groups; g++) {
        for (let i = 0; i < groupSize; i++) values[i] = unit[g * stride + i * step];
        take(codec.encode(values, scaleOf(g)), g);
      }
    },
    group: (g) => codec.group(scaleOf(g)),
    decode(group, g, output) {
      codec.decode(group, values);
      for (let i = 0; i < groupSize; i++) output[g * stride + i * step] = values[i];
    },
  };
}
