/** Two models on the same items, by which of them was right. */
export interface PairedComparison {
  /** Items that the first model alone, and the second alone, had right: all that says which is better. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Share right of the first less that of the second. */
  readonly difference: number;
  /** Standard error of the difference, of paired items. */
  readonly standardError: number;
  /** Two-sided p of McNemar's test: how likely so unequal counts, or more unequal ones, are where neither model is better. */
  readonly pValue: number;
}

/**
 * McNemar's test (1947) in its exact form: of the n items that one model alone had right, each is one or the other's with probability 1/2 where neither is better, so
 * p = min(1, 2 P(X <= min(b, c))), X ~ Bin(n, 1/2). Exact for any n, so there is no limit below which it, and above which a chi-square, would be taken.
 */
export function compareOutcomes(first: readonly boolean[], second: readonly boolean[]): PairedComparison {
  const items = first.length;
  if (second.length !== items) throw new RangeError(`${items} outcomes cannot be paired with ${second.length}`);
  const onlyFirst = first.filter((right, i) => right && !second[i]).length;
  const onlySecond = second.filter((right, i) => right && !first[i]).length;
  const difference = items === 0 ? 0 : (onlyFirst - onlySecond) / items;
  const squares = items === 0 ? 0 : (onlyFirst + onlySecond) / items - difference ** 2;
  return {
    onlyFirst,
    onlySecond,
    difference,
    standardError: items < 2 ? 0 : Math.sqrt(squares / (items - 1)),
    pValue: signTest(onlyFirst, onlySecond),
  };
}

function signTest(b: number, c: number): number {
  const [n, least] = [b + c, Math.min(b, c)];
  // log C(n, least) - n log 2, and from there down to C(n, 0): 2^-n itself is 0 in f64 from n = 1075 on.
  let logTerm = -n * Math.LN2;
  for (let i = 1; i <= least; i++) logTerm += Math.log((n - i + 1) / i);
  let term = Math.exp(logTerm);
  let tail = 0;
  for (let k = least; k >= 0; k--) {
    tail += term;
    term *= k / (n - k + 1);
  }
  return Math.min(1, 2 * tail);
}
