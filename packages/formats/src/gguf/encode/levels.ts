/** Numbers that codes stand for, in units of a scale, and how a code is found. */
export interface Levels {
  /** By code, rising. */
  readonly values: Float32Array;
  /** The code nearest to v by floor(2 v) - {@link first}; of two that are as near the upper one. */
  readonly nearest: Uint8Array;
  readonly first: number;
}

/** Levels that are whole numbers: the middle between two is then a multiple of one half, and a table by halves is exact. */
export function wholeLevels(values: readonly number[]): Levels {
  const first = 2 * values[0];
  const nearest = new Uint8Array(2 * values.at(-1)! - first + 1);
  for (let cell = 0, code = 0; cell < nearest.length; cell++) {
    const least = (first + cell) / 2;
    while (code + 1 < values.length && values[code + 1] - least <= least - values[code]) code++;
    nearest[cell] = code;
  }
  return { values: Float32Array.from(values), nearest, first };
}

/** The code of the level that is nearest to `value`. */
export function nearestCode({ nearest, first }: Levels, value: number): number {
  const cell = Math.floor(2 * value) - first;
  return nearest[cell < 0 ? 0 : cell >= nearest.length ? nearest.length - 1 : cell];
}

/** The whole numbers from `low` to `high`. */
export function integerLevels(low: number, high: number): Levels {
  return wholeLevels(Array.from({ length: high - low + 1 }, (_, i) => low + i));
}
