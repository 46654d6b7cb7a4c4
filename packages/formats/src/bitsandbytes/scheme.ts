import type { Grid } from '@compress/core';

/** The ways in which bitsandbytes stores a weight. */
export type Scheme = FourBitType | 'int8';
/** Its 4-bit types. */
export type FourBitType = 'nf4' | 'fp4';

const NF4_NEGATIVE = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495,
];
const NF4_POSITIVE = [
  0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434,
  0.5626170039176941, 0.7229568362236023, 1,
];
/** Of codes 0..7, in twelfths; codes 8..15 are their negatives. */
const FP4_TWELFTHS = [0, 0.0625, 8, 12, 4, 6, 2, 3];

/** The number that each code means, as bitsandbytes' kernels have them whatever `quant_map` says; in f32. */
export const QUANT_MAPS: Readonly<Record<FourBitType, Float32Array>> = {
  nf4: Float32Array.of(...NF4_NEGATIVE, ...NF4_POSITIVE),
  fp4: Float32Array.from([...FP4_TWELFTHS, ...FP4_TWELFTHS.map((x) => -x)], (x) => x / 12),
};

/** The levels of a grid: ascending, and each once. */
export const LEVELS: Readonly<Record<FourBitType, Float32Array>> = {
  nf4: QUANT_MAPS.nf4,
  // The second zero of fp4 is negative, and equal to the first.
  fp4: Float32Array.from(new Set([...QUANT_MAPS.fp4].map((x) => x + 0))).sort(),
};

/** Levels that were computed by a formula may differ from the kernels' constants by roundings: those of NF4 were published with 6 decimals that are right. */
const LEVEL_TOLERANCE = 2e-6;

/** How bitsandbytes stores codes of a grid; undefined if it does not. */
export function schemeOf({ codes, symmetric }: Grid): Scheme | undefined {
  if (codes.kind === 'integer') return symmetric && codes.maxCode === 255 ? 'int8' : undefined;
  if (codes.kind !== 'table') return undefined;
  return (['nf4', 'fp4'] as const).find((type) => sameLevels(LEVELS[type], codes.levels));
}

/** True of levels that mean the same. */
export function sameLevels(expected: Float32Array, levels: Float32Array): boolean {
  return (
    levels.length === expected.length && levels.every((level, i) => Math.abs(level - expected[i]) <= LEVEL_TOLERANCE)
  );
}

/** By index of a level: the code that stands for it. */
export function codesOfLevels(type: FourBitType): Uint8Array {
  return Uint8Array.from(LEVELS[type], (level) => QUANT_MAPS[type].indexOf(level));
}

/** By code: the index of its level. */
export function levelsOfCodes(type: FourBitType): Uint8Array {
  return Uint8Array.from(QUANT_MAPS[type], (value) => LEVELS[type].indexOf(value + 0));
}
