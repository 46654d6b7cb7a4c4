import { type Rows, solve } from '@compress/core/conformance';

/** Pruning's mathematics once more, slowly, in f64 and without any factorization: for tests alone. Rows of numbers are plain arrays. */

/** The row of least loss among those that are 0 where the mask is 1: with P what is pruned and K what is kept, p_K = w_K + H_KK^-1 H_KP w_P. */
export function refit(w: readonly number[], mask: readonly number[], hessian: Rows): number[] {
  const kept = w.flatMap((_, c) => (mask[c] === 0 ? [c] : []));
  const pull = kept.map((k) => w.reduce((sum, value, c) => sum + (mask[c] === 0 ? 0 : hessian[k][c] * value), 0));
  const shift = solve(
    kept.map((k) => kept.map((j) => hessian[k][j])),
    pull,
  );
  const p = w.map(() => 0);
  for (const [i, k] of kept.entries()) p[k] = w[k] + shift[i];
  return p;
}

/** What is left of a row when column `first` is 0 and all later ones make it good: `refit` with the columns before it held still. */
export function pruneOne(w: readonly number[], first: number, hessian: Rows): number[] {
  const later = w.slice(first);
  const part = hessian.slice(first).map((row) => row.slice(first));
  return [
    ...w.slice(0, first),
    ...refit(
      later,
      later.map((_, i) => (i === 0 ? 1 : 0)),
      part,
    ),
  ];
}

/** What zeroing a weight of 1 in column `first` costs when all later columns make it good: 1 / [H_FF^-1]_00, F being the columns from it on. */
export function saliency(hessian: Rows, first: number): number {
  const part = hessian.slice(first).map((row) => row.slice(first));
  return (
    1 /
    solve(
      part,
      part.map((_, i) => (i === 0 ? 1 : 0)),
    )[0]
  );
}
