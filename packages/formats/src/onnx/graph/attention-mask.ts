import type { Graph } from './graph.ts';

/** The least f32: a score to which it is added has no weight, and a row of nothing else has equal ones in place of NaN. */
const LEAST = -3.4028234663852886e38;

/** The dimensions of a run. */
export interface RunInputs {
  /** `[batch, total]`: 0 for what is filled up. */
  readonly mask: string;
  /** `[1]`: tokens that are new. */
  readonly length: string;
  /** `[1]`: those with what the cache holds. */
  readonly total: string;
}

/**
 * What is added to scores, `[batch, 1, copies length, total]`: 0 where a token sees another, the least f32 where it does not. Tokens see what is before them and themselves,
 * the last `window` of these where there is one, and nothing that is filled up. The rows come `copies` times, for as many heads that share a key.
 */
export function attentionMask(
  graph: Graph,
  { mask, length, total }: RunInputs,
  window: number | undefined,
  copies: number,
): string {
  graph.enter('mask');
  const scalar = (value: string) => graph.node('Squeeze', [value, graph.integers([0])]);
  const [first, end] = [scalar(graph.node('Sub', [total, length])), scalar(total)];
  const [zero, one] = [graph.integer(0), graph.integer(1)];
  const keys = graph.node('Range', [zero, end, one]);
  const queries = graph.node('Unsqueeze', [graph.node('Range', [first, end, one]), graph.integers([1])]);
  let seen = graph.node('LessOrEqual', [keys, queries]);
  if (window !== undefined) {
    const before = graph.node('Sub', [queries, graph.integer(window)]);
    seen = graph.node('And', [seen, graph.node('Greater', [keys, before])]);
  }
  const filled = graph.node('Unsqueeze', [graph.cast(mask, 'BOOL'), graph.integers([1, 2])]);
  const allowed = graph.node('And', [seen, filled]);
  const added = graph.node('Where', [allowed, graph.float(0), graph.float(LEAST)]);
  return copies === 1 ? added : graph.node('Concat', Array(copies).fill(added), { axis: { int: 2 } });
}
