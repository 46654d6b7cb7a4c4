/** What a table may always take in memory. */
const ALWAYS_ALLOWED = 32 << 20;

/** Counts bytes of memory before they are taken. */
export type Spend = (bytes: number) => void;

/** Throws what `refuse` makes once more was spent than the bytes that a table describes, and than 32 MB. */
export function createMemoryBudget(described: number, refuse: () => Error): Spend {
  let left = Math.max(ALWAYS_ALLOWED, described);
  return (bytes) => {
    left -= bytes;
    if (left < 0) throw refuse();
  };
}
