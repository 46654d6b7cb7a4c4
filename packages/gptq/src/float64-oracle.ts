/** GPTQ's mathematics once more, slowly, in f64 and without any factorization: for tests alone. Rows of numbers are plain arrays. */

export type Rows = readonly (readonly number[])[];

/** x with matrix x = right, by Gauss-Jordan with pivoting. */
export function solve(matrix: Rows, right: readonly number[]): number[] {
  const n = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c; r < n; r++) if (Math.abs(a[r][c]) > Math.abs(a[pivot][c])) pivot = r;
    [a[c], a[pivot]] = [a[pivot], a[c]];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = a[r][c] / a[c][c];
      for (let k = c; k <= n; k++) a[r][k] -= factor * a[c][k];
    }
  }
  return a.map((row, i) => row[n] / row[i]);
}

/** (w - q) H (w - q)^T of one row. */
export function loss(w: readonly number[], q: readonly number[], hessian: Rows): number {
  const error = w.map((value, c) => value - q[c]);
  return hessian.reduce((sum, row, i) => sum + error[i] * row.reduce((dot, h, j) => dot + h * error[j], 0), 0);
}

/**
 * One row, columns in `order`: each is rounded where the loss is least over its value and all later ones, given the errors made so far
 * (Babai's nearest plane). With F the columns not yet rounded and e the errors: q = round(w + H_FF^-1 H_FP e_P).
 */
export function nearestPlane(
  w: readonly number[],
  hessian: Rows,
  order: readonly number[],
  round: (value: number, column: number) => number,
): number[] {
  const q: number[] = new Array(w.length).fill(0);
  for (const [done, column] of order.entries()) {
    const past = order.slice(0, done);
    const future = order.slice(done);
    const pull = future.map((f) => past.reduce((sum, p) => sum + hessian[f][p] * (w[p] - q[p]), 0));
    const [shift] = solve(
      future.map((f) => future.map((g) => hessian[f][g])),
      pull,
    );
    q[column] = round(w[column] + shift, column);
  }
  return q;
}

/** The least loss of a row over all values that each column may take. */
export function bruteForce(w: readonly number[], hessian: Rows, choices: readonly number[]): number {
  let best = Number.POSITIVE_INFINITY;
  const q: number[] = [];
  const visit = (column: number) => {
    if (column === w.length) best = Math.min(best, loss(w, q, hessian));
    else
      for (const choice of choices) {
        q[column] = choice;
        visit(column + 1);
      }
  };
  visit(0);
  return best;
}

/** Half to even. */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
