import type { Matrix } from '@compress/kernels';

/** What a mask makes of a weight. */
export interface PrunedWeight {
  /** `[out, in]`, 0 where `mask` is 1. */
  readonly weight: Matrix;
  /** `[out, in]`, 1 where a weight is pruned. */
  readonly mask: Uint8Array;
  /** The share of weights that `mask` prunes. */
  readonly sparsity: number;
  /** |W - P| / |W| in the Frobenius norm; 0 for a weight of zeros. */
  readonly relativeError: number;
}

/** `original` with `values`, which may be `original` itself, where the mask is 0. */
export function prunedWeight(original: Matrix, values: Matrix, mask: Uint8Array): PrunedWeight {
  const { rows, columns } = original;
  const weight = { rows, columns, data: new Float32Array(mask.length) };
  let [pruned, error, norm] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) weight.data[i] = values.data[i];
    else pruned += 1;
    error += (original.data[i] - weight.data[i]) ** 2;
    norm += original.data[i] ** 2;
  }
  return {
    weight,
    mask,
    sparsity: mask.length === 0 ? 0 : pruned / mask.length,
    relativeError: norm === 0 ? 0 : Math.sqrt(error / norm),
  };
}
