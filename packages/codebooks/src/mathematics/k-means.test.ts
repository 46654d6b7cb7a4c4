import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kMeans, kMeansWithZero, type Samples } from './k-means.ts';

const sample = fc.record({
  value: fc.double({ min: -2, max: 2, noNaN: true }),
  weight: fc.integer({ min: 0, max: 5 }),
});

function samplesOf(points: readonly { value: number; weight: number }[]): Samples {
  const sorted = points.toSorted((a, b) => a.value - b.value);
  return {
    values: Float64Array.from(sorted, ({ value }) => value),
    weights: Float64Array.from(sorted, ({ weight }) => weight),
  };
}

function errorOf({ values, weights }: Samples, centres: readonly number[]): number {
  return values.reduce(
    (sum, x, i) => (weights[i] > 0 ? sum + weights[i] * Math.min(...centres.map((centre) => (x - centre) ** 2)) : sum),
    0,
  );
}

/** Every assignment of samples to `count` clusters, the first of which is pinned to 0 if `zero`. */
function bruteForce({ values, weights }: Samples, count: number, zero: boolean): number {
  let least = Number.POSITIVE_INFINITY;
  for (let assignment = 0; assignment < count ** values.length; assignment++) {
    const clusterOf = (i: number) => Math.floor(assignment / count ** i) % count;
    const centres = Array.from({ length: count }, (_, k) => {
      if (zero && k === 0) return 0;
      let [w, s] = [0, 0];
      for (let i = 0; i < values.length; i++)
        if (clusterOf(i) === k) [w, s] = [w + weights[i], s + weights[i] * values[i]];
      return w > 0 ? s / w : 0;
    });
    least = Math.min(
      least,
      values.reduce((sum, x, i) => sum + weights[i] * (x - centres[clusterOf(i)]) ** 2, 0),
    );
  }
  return least;
}

test.each([
  [false, kMeans],
  [true, kMeansWithZero],
])('no other clustering is better; 0 among the levels: %s', (zero, cluster) => {
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1, maxLength: 7 }),
      fc.integer({ min: zero ? 2 : 1, max: 3 }),
      (points, count) => {
        const samples = samplesOf(points);
        const centres = cluster(samples, count);
        expect(centres.length).toBeLessThanOrEqual(count);
        if (zero) expect(centres).toContain(0);
        expect(errorOf(samples, centres)).toBeLessThanOrEqual(bruteForce(samples, count, zero) + 1e-9);
      },
    ),
    { numRuns: 100 },
  );
});

test('never worse than iterations of Lloyd, which end in some local optimum', () => {
  const values = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i * i) ** 3).sort();
  const weights = values.map((_, i) => 1 + (i % 5));
  const samples = { values, weights };
  let centres = Array.from({ length: 16 }, (_, k) => values[Math.floor(((k + 0.5) * 400) / 16)]);
  for (let i = 0; i < 200; i++) {
    const total = centres.map(() => ({ w: 0, s: 0 }));
    for (const [at, x] of values.entries()) {
      const nearest = centres.reduce((best, c, k) => (Math.abs(x - c) < Math.abs(x - centres[best]) ? k : best), 0);
      total[nearest].w += weights[at];
      total[nearest].s += weights[at] * x;
    }
    centres = total.map(({ w, s }, k) => (w > 0 ? s / w : centres[k]));
  }
  const exact = kMeans(samples, 16);
  expect(exact).toEqual(exact.toSorted((a, b) => a - b));
  expect(errorOf(samples, exact)).toBeLessThanOrEqual(errorOf(samples, centres));
  expect(errorOf(samples, exact)).toBeLessThanOrEqual(errorOf(samples, kMeansWithZero(samples, 16)));
});
