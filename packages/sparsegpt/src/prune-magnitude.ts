import { requireFinite } from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { chooseBlock } from './choose-block.ts';
import { type PrunedWeight, prunedWeight } from './pruned-weight.ts';
import { requireColumns, resolveSparsity, type SparsityChoice } from './sparsity.ts';

/** One Linear and how to prune it. */
export interface MagnitudeRequest extends SparsityChoice {
  /** `[out, in]`, finite. It is not changed. */
  readonly weight: Matrix;
  /** `[out, in]`, 1 where a weight was pruned before: it stays pruned, and counts. */
  readonly mask?: Uint8Array | undefined;
  /** The Linear's name, for errors. */
  readonly layer?: string;
}

/**
 * Prunes the smallest |w| of the whole layer, or of each group of a pattern: the baseline. It needs no calibration.
 *
 * Throws `CompressError`: `weight-not-finite`, `sparsity-invalid`.
 */
export function pruneMagnitude(request: MagnitudeRequest): PrunedWeight {
  const { weight, layer } = request;
  const { rows, columns, data } = weight;
  requireFinite('weight', weight, { layer });
  const sparsity = resolveSparsity(request, layer);
  requireColumns(columns, sparsity, layer);
  const mask = Uint8Array.from(request.mask ?? new Uint8Array(data.length));
  chooseBlock({ rows, columns, from: 0, to: columns }, sparsity, (at) => Math.abs(data[at]), mask);
  return prunedWeight(weight, weight, mask);
}
