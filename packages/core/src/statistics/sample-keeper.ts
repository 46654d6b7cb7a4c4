import type { Matrix } from '@compress/kernels';

/** At most this many token rows are kept, and, of a longer run, at least half as many. */
const MOST_ROWS = 512;

/**
 * Keeps every token whose index is a multiple of a stride, and doubles the stride whenever there are too many: rows are spread evenly
 * without knowing how many will come.
 */
export function createSampleKeeper(features: number) {
  let kept: Float32Array[] = [];
  let stride = 1;
  let seen = 0;
  return {
    add({ rows, data }: Matrix): void {
      for (let r = 0; r < rows; r++, seen++) {
        if (seen % stride !== 0) continue;
        if (kept.length === MOST_ROWS) {
          kept = kept.filter((_, i) => i % 2 === 0);
          stride *= 2;
          if (seen % stride !== 0) continue;
        }
        kept.push(data.slice(r * features, (r + 1) * features));
      }
    },
    finish(): Matrix {
      const samples = new Float32Array(kept.length * features);
      for (const [i, row] of kept.entries()) samples.set(row, i * features);
      return { rows: kept.length, columns: features, data: samples };
    },
  };
}
