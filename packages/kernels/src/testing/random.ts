import type { Matrix } from '../matrix.ts';

/** Reproducible numbers: a generator for a seed (mulberry32). */
export function randomNumbers(seed: number) {
  let state = seed;
  /** Uniform in [0, 1). */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  /** Uniform in [-size, size). */
  const floats = (length: number, size = 1) => Float32Array.from({ length }, () => (next() * 2 - 1) * size);
  return {
    next,
    floats,
    integer: (below: number) => Math.floor(next() * below),
    matrix: (rows: number, columns: number, size = 1): Matrix => ({
      rows,
      columns,
      data: floats(rows * columns, size),
    }),
    codes: (length: number, count: number) => Uint8Array.from({ length }, () => next() * count),
    /** Replaces a few elements by NaN, infinities, zeros and numbers near both ends of the range. */
    spoil(values: Float32Array): Float32Array {
      const odd = [Number.NaN, Infinity, -Infinity, -0, 0, 1e-45, -1e-40, 3e38, -3e38, 104, -104];
      for (let i = 0; i < values.length; i++) if (next() < 0.1) values[i] = odd[Math.floor(next() * odd.length)];
      return values;
    },
  };
}

export const emptyLike = ({ rows, columns }: Matrix): Matrix => ({
  rows,
  columns,
  data: new Float32Array(rows * columns),
});
export const copyOf = ({ rows, columns, data }: Matrix): Matrix => ({ rows, columns, data: data.slice() });
