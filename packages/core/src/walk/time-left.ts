/** A piece of work before it is done: pieces of one kind take time in proportion to their size. */
export interface Work {
  readonly kind: string;
  readonly size: number;
}

/** Measures pieces of work as they end, and says how long the others will take. */
export interface Stopwatch {
  measured(work: Work, seconds: number): void;
  /** Undefined while some kind of the rest was never measured: better no number than a guess. */
  left(rest: readonly Work[]): number | undefined;
}

export function createStopwatch(): Stopwatch {
  const kinds = new Map<string, { size: number; seconds: number }>();
  return {
    measured({ kind, size }, seconds) {
      const sum = kinds.get(kind) ?? { size: 0, seconds: 0 };
      kinds.set(kind, { size: sum.size + size, seconds: sum.seconds + seconds });
    },
    left(rest) {
      let seconds = 0;
      for (const { kind, size } of rest) {
        if (size === 0) continue;
        const sum = kinds.get(kind);
        if (sum === undefined || sum.size === 0) return undefined;
        seconds += (sum.seconds / sum.size) * size;
      }
      return seconds;
    },
  };
}
