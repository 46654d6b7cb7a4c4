import { CompressError } from '../errors.ts';
import type { Grid, NestedRule, ScaleRule, ScaleType } from './grid.ts';
import { scaleOptions } from './scale-options.ts';

/**
 * Integers of `bits` bits. Symmetric: scale = 2 absmax / (2^bits - 1), codes -2^(bits-1) .. 2^(bits-1) - 1 about a fixed zero point.
 * Asymmetric: scale = (max - min) / (2^bits - 1) over a range that includes 0, and an integer zero point. Both are the grids of
 * Frantar et al., 2022 (GPTQ); 0 is always represented exactly.
 *
 * Throws `CompressError` `grid-invalid`.
 */
export function integerGrid(options: {
  /** 2..8 */
  readonly bits: number;
  /** @default true */
  readonly symmetric?: boolean | undefined;
  /** @default 'minmax' */
  readonly scales?: ScaleRule | undefined;
  /** Percent, 50..100, with `scales: 'percentile'`. @default 99.9 */
  readonly percentile?: number | undefined;
  /** @default 'f16', or with `nested` the type that it needs */
  readonly scaleType?: ScaleType | undefined;
  readonly nested?: NestedRule | undefined;
}): Grid {
  const { bits, symmetric = true } = options;
  if (!Number.isInteger(bits) || bits < 2 || bits > 8)
    throw new CompressError('grid-invalid', `An integer grid has 2 to 8 bits, not ${bits}.`);
  return {
    name: `int${bits}${symmetric ? '' : '-asym'}`,
    bits,
    codes: { kind: 'integer', maxCode: 2 ** bits - 1 },
    symmetric,
    ...scaleOptions(options),
  };
}
