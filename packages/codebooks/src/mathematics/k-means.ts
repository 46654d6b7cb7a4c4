/** Weighted numbers to be represented by few. */
export interface Samples {
  /** Ascending. */
  readonly values: Float64Array;
  /** >= 0 */
  readonly weights: Float64Array;
}

/**
 * At most `count` numbers, ascending, that make sum of weight (value - nearest)^2 least, exactly: in one dimension clusters are runs of the
 * sorted values, and the best last run of each prefix moves forward only, so that dynamic programming with divide and conquer
 * finds all in O(count n log n) (Gronlund et al., Fast exact k-means, 2017).
 */
export function kMeans(samples: Samples, count: number): number[] {
  const none = new Float64Array(samples.values.length + 1).fill(Number.POSITIVE_INFINITY);
  none[0] = 0;
  return clusters(samples, none, count)[count].centres;
}

/** The same where 0 is one of the `count` numbers: weights of either sign go to 0 or to numbers of their own sign, so that the sides meet only in their share of `count`. */
export function kMeansWithZero({ values, weights }: Samples, count: number): number[] {
  let split = 0;
  while (split < values.length && values[split] < 0) split++;
  const side = (magnitudes: Samples) => {
    const { squares } = sums(magnitudes);
    return clusters(magnitudes, squares, count - 1);
  };
  const negative = side({
    values: values
      .subarray(0, split)
      .map((x) => -x)
      .reverse(),
    weights: weights.slice(0, split).reverse(),
  });
  const positive = side({ values: values.subarray(split), weights: weights.subarray(split) });
  let best = 0;
  for (let i = 1; i < count; i++) {
    const cost = (share: number) => negative[share].cost + positive[count - 1 - share].cost;
    if (cost(i) < cost(best)) best = i;
  }
  return [...negative[best].centres.map((x) => -x).reverse(), 0, ...positive[count - 1 - best].centres];
}

interface Clustering {
  readonly cost: number;
  /** Ascending means of the runs that are not empty. */
  readonly centres: number[];
}

/** The best clusterings by 0..most runs, where `first[i]` is what it costs that the first i samples are in none of them. */
function clusters(samples: Samples, first: Float64Array, most: number): Clustering[] {
  const n = samples.values.length;
  const { weight, sum, squares } = sums(samples);
  const starts: Int32Array[] = [];
  const costs = [first[n]];
  let before = first;
  for (let run = 0; run < most; run++) {
    const after = new Float64Array(n + 1);
    const start = new Int32Array(n + 1);
    // A run from..end costs squares[end] - squares[from] - sum^2 / weight; what depends on its start alone is taken out of the loop.
    const base = before.map((cost, i) => cost - squares[i]);
    const solve = (low: number, high: number, least: number, greatest: number) => {
      if (low > high) return;
      const end = (low + high) >>> 1;
      const [weightEnd, sumEnd, last] = [weight[end], sum[end], Math.min(end, greatest)];
      let best = Number.POSITIVE_INFINITY;
      let at = least;
      for (let from = least; from <= last; from++) {
        const w = weightEnd - weight[from];
        const s = sumEnd - sum[from];
        const total = w > 0 ? base[from] - (s * s) / w : base[from];
        if (total < best) {
          best = total;
          at = from;
        }
      }
      after[end] = best + squares[end];
      start[end] = at;
      solve(low, end - 1, least, at);
      solve(end + 1, high, at, greatest);
    };
    solve(0, n, 0, n);
    starts.push(start);
    costs.push(after[n]);
    before = after;
  }
  return costs.map((total, runs) => {
    const centres: number[] = [];
    let to = n;
    for (let run = runs - 1; run >= 0; run--) {
      const from = starts[run][to];
      const w = weight[to] - weight[from];
      if (w > 0) centres.push((sum[to] - sum[from]) / w);
      to = from;
    }
    return { cost: total, centres: centres.reverse() };
  });
}

/** Sums over the first i samples of weight, weight value and weight value^2. */
function sums({ values, weights }: Samples) {
  const n = values.length;
  const [weight, sum, squares] = [0, 1, 2].map(() => new Float64Array(n + 1));
  for (let i = 0; i < n; i++) {
    weight[i + 1] = weight[i] + weights[i];
    sum[i + 1] = sum[i] + weights[i] * values[i];
    squares[i + 1] = squares[i] + weights[i] * values[i] ** 2;
  }
  return { weight, sum, squares };
}
