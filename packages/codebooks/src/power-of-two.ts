import { type Grid, tableGrid } from '@compress/core';

/** 0 and +-2^-i for i = 0 .. 2^(bits-1) - 2: a product is a shift (Zhou et al., Incremental network quantization, 2017). */
export function powerOfTwo(bits: number): Grid {
  const magnitudes = Array.from({ length: 2 ** (bits - 1) - 1 }, (_, i) => 2 ** -i);
  return tableGrid({ name: `pot${bits}`, levels: [...magnitudes.map((x) => -x), 0, ...magnitudes.reverse()] });
}

/**
 * Sums of two powers of two (Li et al., Additive powers-of-two quantization, 2020, section 2.2), 4 bits: one term of {0, 1, 1/4, 1/16} and one
 * of {0, 1/2}, so that levels do not crowd about 0 as single powers do.
 */
export const additivePowersOfTwo: Grid = tableGrid({ name: 'apot4', levels: sumsOfPowers() });

function sumsOfPowers(): number[] {
  const magnitudes = [0, 1, 1 / 4, 1 / 16].flatMap((first) => [0, 1 / 2].map((second) => first + second));
  return [...new Set(magnitudes.flatMap((x) => (x === 0 ? [0] : [-x, x])))].sort((a, b) => a - b);
}
