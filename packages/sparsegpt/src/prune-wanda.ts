import { requireFinite } from '@compress/core';
import { chooseBlock } from './choose-block.ts';
import type { MagnitudeRequest } from './prune-magnitude.ts';
import { type PrunedWeight, prunedWeight } from './pruned-weight.ts';
import { requireColumns, resolveSparsity } from './sparsity.ts';

/** One Linear, what it reads, and how to prune it. */
export interface WandaRequest extends MagnitudeRequest {
  /** `[in]`: the mean square of each input channel, times any constant. */
  readonly squares: Float32Array;
}

/**
 * Wanda (Sun et al., 2023): prunes the smallest |w| |x| of each row, or of each group of a pattern, and leaves the others as they are.
 *
 * Throws `CompressError`: `weight-not-finite`, `sparsity-invalid`.
 */
export function pruneWanda(request: WandaRequest): PrunedWeight {
  const { weight, squares, layer } = request;
  const { rows, columns, data } = weight;
  requireFinite('weight', weight, { layer });
  const sparsity = resolveSparsity(request, layer);
  requireColumns(columns, sparsity, layer);
  const mask = Uint8Array.from(request.mask ?? new Uint8Array(data.length));
  // Where no token was observed, magnitude decides.
  const norms = Float64Array.from(squares.some((square) => square > 0) ? squares : squares.map(() => 1), Math.sqrt);
  for (let r = 0; r < rows; r++) {
    const row = data.subarray(r * columns, (r + 1) * columns);
    const score = (_: number, c: number) => Math.abs(row[c]) * norms[c];
    const part = mask.subarray(r * columns, (r + 1) * columns);
    chooseBlock({ rows: 1, columns, from: 0, to: columns }, sparsity, score, part);
  }
  return prunedWeight(weight, weight, mask);
}
