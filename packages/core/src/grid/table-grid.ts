import { CompressError } from '../errors.ts';
import type { Grid, NestedRule, ScaleRule, ScaleType } from './grid.ts';
import { scaleOptions } from './scale-options.ts';

const MAX_LEVELS = 256;

/**
 * A grid from any list of levels, as NF4 or FP4 are: value = level * scale, and the scale makes the level of largest magnitude the
 * group's absmax. Levels are rounded to f32. Without a level 0 it cannot keep the zeros of an earlier prune.
 *
 * Throws `CompressError` `grid-invalid`.
 */
export function tableGrid(options: {
  readonly name: string;
  /** 2..256 finite numbers, strictly ascending as f32. */
  readonly levels: readonly number[];
  /** @default 'minmax' */
  readonly scales?: ScaleRule | undefined;
  /** Percent, 50..100, with `scales: 'percentile'`. @default 99.9 */
  readonly percentile?: number | undefined;
  /** @default 'f16', or with `nested` the type that it needs */
  readonly scaleType?: ScaleType | undefined;
  readonly nested?: NestedRule | undefined;
  /** What a group's absmax is mapped to, > 0. @default the largest magnitude of all levels */
  readonly reach?: number | undefined;
}): Grid {
  const { name } = options;
  const levels = Float32Array.from(options.levels);
  if (levels.length < 2 || levels.length > MAX_LEVELS)
    throw new CompressError('grid-invalid', `Grid ${name} needs 2 to ${MAX_LEVELS} levels and has ${levels.length}.`);
  for (const [i, level] of levels.entries()) {
    if (!Number.isFinite(level)) throw new CompressError('grid-invalid', `Level ${i} of grid ${name} is ${level}.`);
    if (i > 0 && !(levels[i - 1] < level))
      throw new CompressError('grid-invalid', `Levels of grid ${name} must ascend strictly and do not at index ${i}.`);
  }
  const { reach } = options;
  if (reach !== undefined && !(reach > 0 && reach < Number.POSITIVE_INFINITY))
    throw new CompressError('grid-invalid', `The reach of grid ${name} is above 0, not ${reach}.`);
  return {
    name,
    bits: Math.ceil(Math.log2(levels.length)),
    codes: { kind: 'table', levels },
    symmetric: true,
    ...(reach !== undefined && { reach }),
    ...scaleOptions(options),
  };
}
