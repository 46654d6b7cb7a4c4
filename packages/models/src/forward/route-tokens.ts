import type { Matrix } from '@compress/kernels';

/** The tokens of one expert, ascending, and the share of its output that each takes. */
export interface Route {
  readonly rows: Uint32Array;
  readonly shares: Float32Array;
}

/**
 * Sends each row of `scores` `[tokens, experts]` to the `chosen` experts of the highest score (a tie goes to the lower index); shares are
 * the softmax over all experts, divided by its sum over the chosen, which is the softmax over the chosen alone (Mixtral).
 */
export function routeTokens(scores: Matrix, chosen: number): Route[] {
  const { rows: tokens, columns: experts, data } = scores;
  const routes = Array.from({ length: experts }, () => ({ rows: [] as number[], shares: [] as number[] }));
  for (let token = 0; token < tokens; token++) {
    const row = data.subarray(token * experts, (token + 1) * experts);
    const best = Array.from(row.keys())
      .sort((a, b) => row[b] - row[a] || a - b)
      .slice(0, chosen);
    const exponentials = best.map((expert) => Math.exp(row[expert] - row[best[0]]));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    best.forEach((expert, i) => {
      routes[expert].rows.push(token);
      routes[expert].shares.push(exponentials[i] / sum);
    });
  }
  return routes.map(({ rows, shares }) => ({ rows: Uint32Array.from(rows), shares: Float32Array.from(shares) }));
}
