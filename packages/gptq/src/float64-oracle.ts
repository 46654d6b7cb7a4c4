import { type Rows, rowLoss, solve } from '@compress/core/conformance';

/** GPTQ's mathematics once more, slowly, in f64 and without any factorization: for tests alone. Rows of numbers are plain arrays. */

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
    if (column === w.length) best = Math.min(best, rowLoss(w, q, hessian));
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
