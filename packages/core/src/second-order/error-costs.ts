import type { Factorization } from './factorize-gram.ts';

/**
 * What a squared error of each column costs, `[n]` by columns: 1 / U_cc^2, since a sweep's loss is sum ((w - q) / U_cc)^2. It is what is
 * left of the Hessian's diagonal when later columns have made good what they can: the measure by which SparseGPT chooses what to prune.
 */
export function errorCosts({ permutation, factor }: Factorization): Float32Array {
  const n = permutation.length;
  const costs = new Float32Array(n);
  for (let place = 0; place < n; place++) costs[permutation[place]] = 1 / factor.data[place * n + place] ** 2;
  return costs;
}
