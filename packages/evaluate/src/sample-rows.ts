import type { SectionSpec } from '@compress/core';
import type { Matrix } from '@compress/kernels';

/** Rows of the residual stream that are compared section by section: enough to know a mean cosine to a few thousandths. */
const SAMPLES = 256;

/** Positions of the sampled rows among `rows`, spread evenly from the first on. */
export function samplePositions(rows: number): Uint32Array {
  const count = Math.min(SAMPLES, rows);
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
}

/** A visitor of a walk that hands the sampled rows of the residual stream after each section to `see`. */
export function visitSamples(
  positions: Uint32Array,
  see: (section: SectionSpec, sample: number, row: Float32Array) => Promise<void> | void,
): (section: SectionSpec, stream: Matrix, firstRow: number) => Promise<void> {
  return async (section, { rows, columns, data }, firstRow) => {
    for (const [sample, position] of positions.entries()) {
      const row = position - firstRow;
      if (row >= 0 && row < rows) await see(section, sample, data.subarray(row * columns, (row + 1) * columns));
    }
  };
}
