/** One of several parts of a matrix, each for a machine of its own. */
export interface Shard {
  /** 1 .. count */
  readonly index: number;
  readonly count: number;
}

/** Every `count`-th entry: which part an entry is in depends on the matrix alone, not on what is done already. */
export function shardOf<T>(entries: readonly T[], { index, count }: Shard): T[] {
  return entries.filter((_, i) => i % count === index - 1);
}
