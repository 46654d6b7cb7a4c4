import type { CacheSide } from './inference.ts';
import { E4M3, F16, roundHalfEven, roundToFloat } from './round-to-float.ts';

/** One group as a cache stores it: value i is levels[codes[i]] scale + minimum, except for the outliers. */
export interface CodedGroup {
  readonly codes: Uint8Array;
  /** An f16 number, 0 for a group of one constant; a calibrated one is f32. */
  scale: number;
  /** An f16 number; 0 but for integers between a minimum and a maximum. */
  minimum: number;
  /** Which values are kept apart, ascending, */
  readonly outliers: Uint16Array;
  /** and what they are, in f16. */
  readonly outlierValues: Float32Array;
}

/** Rounds groups of one size. */
export interface CacheCodec {
  /** Width of a code as it is packed. */
  readonly bits: number;
  /** Scale and minimum lie in the cache; otherwise, one of them or none. */
  readonly stores: { readonly scale: boolean; readonly minimum: boolean };
  readonly outliers: number;
  /** An empty group to decode from; with the calibrated scale, if any. */
  group(scale?: number): CodedGroup;
  /** `values` are `[size]`; `scale` is the calibrated one, if any. The result is the codec's own until the next call. A group with a NaN or an infinity is all NaN. */
  encode(values: Float32Array, scale?: number): CodedGroup;
  /** Writes `[size]` values. */
  decode(group: CodedGroup, output: Float32Array): void;
}

/**
 * Integers lie between the group's minimum and maximum, scale = (max - min) / (2^bits - 1) (KIVI, Liu et al., 2024, section 3), or with a
 * calibrated scale around 0, from -2^(bits-1) to 2^(bits-1) - 1. FP8 and levels are multiples of the scale: absmax over the largest level, or the root of the
 * mean square (the norm of TurboQuant, Zandieh et al., 2025). Outliers are those without which the range, or the largest magnitude, is least.
 */
export function createCacheCodec(
  { grid, scales, outliers: share = 0 }: Pick<CacheSide, 'grid' | 'scales' | 'outliers'>,
  size: number,
): CacheCodec {
  const outliers = Math.ceil(share * size);
  const ranged = grid.kind === 'int' && scales === undefined;
  const byNorm = grid.kind === 'levels' && grid.scale === 'norm';
  const { levels, nearest, bits } = gridOf(grid);
  const reach = Math.max(Math.abs(levels[0]), Math.abs(levels.at(-1)!));
  const group = (scale = 0): CodedGroup => ({
    codes: new Uint8Array(size),
    scale,
    minimum: grid.kind === 'int' && !ranged ? -(2 ** (bits - 1)) * scale : 0,
    outliers: new Uint16Array(outliers),
    outlierValues: new Float32Array(outliers),
  });
  const own = group();

  function fit(values: Float32Array, kept: Float32Array): void {
    let [low, high, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (const value of kept) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      squares += value * value;
    }
    if (kept.length === 0) [low, high] = [0, 0];
    own.minimum = ranged ? roundToFloat(low, F16) : 0;
    const width = ranged ? (high - low) / (levels.length - 1) : Math.max(-low, high, 0) / reach;
    own.scale = roundToFloat(byNorm ? Math.sqrt(squares / Math.max(1, kept.length)) : width, F16);
    if (!values.every(Number.isFinite)) own.scale = Number.NaN;
  }

  return {
    bits,
    stores: { scale: scales === undefined, minimum: ranged },
    outliers,
    group,
    encode(values, scale) {
      const kept = outliers === 0 ? values : setApart(values, own, ranged);
      if (scale === undefined) fit(values, kept);
      else {
        own.scale = values.every(Number.isFinite) ? scale : Number.NaN;
        own.minimum = grid.kind === 'int' ? -(2 ** (bits - 1)) * scale : 0;
      }
      for (let i = 0; i < size; i++)
        own.codes[i] = own.scale > 0 ? nearest((values[i] - own.minimum) / own.scale) : nearest(0);
      return own;
    },
    decode({ codes, scale, minimum, outliers: places, outlierValues }, output) {
      for (let i = 0; i < size; i++) output[i] = levels[codes[i]] * scale + minimum;
      for (let i = 0; i < outliers; i++) output[places[i]] = outlierValues[i];
    },
  };
}

/** Moves what stands out to the group's outliers, and returns the rest, ascending by value (`ranged`) or by magnitude. */
function setApart(values: Float32Array, group: CodedGroup, ranged: boolean): Float32Array {
  const count = group.outliers.length;
  const key = (i: number) => (ranged ? values[i] : Math.abs(values[i]));
  const order = Uint16Array.from(values.keys()).sort((a, b) => key(a) - key(b) || a - b);
  const rest = values.length - count;
  let first = 0;
  if (ranged)
    for (let i = 1; i <= count && rest > 0; i++)
      if (key(order[i + rest - 1]) - key(order[i]) < key(order[first + rest - 1]) - key(order[first])) first = i;
  group.outliers.set([...order.subarray(0, first), ...order.subarray(first + rest)]);
  group.outliers.sort();
  for (const [i, place] of group.outliers.entries()) group.outlierValues[i] = roundToFloat(values[place], F16);
  return Float32Array.from(order.subarray(first, first + rest), (i) => values[i]);
}

/** Levels by code, and the code that is nearest to a number. */
function gridOf(grid: CacheSide['grid']): {
  levels: readonly number[];
  nearest: (x: number) => number;
  bits: number;
} {
  if (grid.kind === 'int') {
    const most = 2 ** grid.bits - 1;
    const levels = Array.from({ length: most + 1 }, (_, code) => code);
    return { levels, nearest: (x) => Math.max(0, Math.min(most, roundHalfEven(x))), bits: grid.bits };
  }
  const levels = grid.kind === 'levels' ? grid.levels : e4m3Levels();
  // Of neighbouring E4M3 numbers, every second has an even mantissa: those with an even distance from 0, the one amid.
  const zero = grid.kind === 'fp8' ? (levels.length - 1) / 2 : undefined;
  const midpoints = levels.slice(1).map((level, i) => (level + levels[i]) / 2);
  const nearest = (x: number) => {
    let [low, high] = [0, midpoints.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x > midpoints[middle]) low = middle + 1;
      else high = middle;
    }
    // A tie goes to the lower of two levels, of E4M3 to the even one.
    return zero !== undefined && x === midpoints[low] && (low - zero) % 2 !== 0 ? low + 1 : low;
  };
  return { levels, nearest, bits: Math.ceil(Math.log2(levels.length)) };
}

/** -448 ... 448, ascending: a code is the place, not the byte. */
function e4m3Levels(): number[] {
  const { mantissaBits, smallestExponent, largest } = E4M3;
  const positive: number[] = [];
  for (let x = 2 ** (smallestExponent - mantissaBits); x <= largest; ) {
    positive.push(x);
    x += 2 ** (Math.max(Math.floor(Math.log2(x)), smallestExponent) - mantissaBits);
  }
  return [...positive.map((x) => -x).reverse(), 0, ...positive];
}
