import { randomStream, staticScale } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { searchAlpha, smoothingScale } from './index.ts';

const kernels = createReferenceKernels();
const random = randomStream('alpha');

/** Half to even, on f64. */
function nearest(x: number): number {
  const below = Math.floor(x);
  const even = below % 2 === 0 ? below : below + 1;
  return x - below === 0.5 ? even : Math.round(x);
}

/** Rows rounded to `bits`, each by its own scale or all by `fixed`, in f64. */
function rounded(values: number[][], bits: number, fixed?: number): number[][] {
  const limit = 2 ** (bits - 1) - 1;
  return values.map((row) => {
    const scale = fixed ?? Math.max(...row.map(Math.abs)) / limit;
    return row.map((x) => Math.max(-limit, Math.min(limit, nearest(x / scale))) * scale);
  });
}

const rowsOf = ({ rows, columns, data }: Matrix) =>
  Array.from({ length: rows }, (_, r) => [...data.subarray(r * columns, (r + 1) * columns)]);
const product = (x: number[][], w: number[][]) =>
  x.map((a) => w.map((b) => a.reduce((sum, v, k) => sum + v * b[k], 0)));

/** Channels 3 and 9 stand out by fifty, as the papers see them. */
function site(tokens: number, columns: number) {
  const strengths = Array.from({ length: columns }, (_, c) => (c === 3 || c === 9 ? 50 : 1));
  const normals = (rows: number, strength: (c: number) => number): Matrix => ({
    rows,
    columns,
    data: Float32Array.from({ length: rows * columns }, (_, i) => strength(i % columns) * random.normal()),
  });
  const samples = normals(tokens, (c) => strengths[c]);
  const weights = [normals(6, () => 0.1), normals(9, () => 0.1)];
  const absmax = Float64Array.from(strengths, (_, c) => Math.max(...rowsOf(samples).map((row) => Math.abs(row[c]))));
  return { samples, weights, absmax };
}

test.each([
  { bits: 8, per: 'token' },
  { bits: 4, per: 'tensor' },
] as const)(
  'the loss found is that of a computation in f64, and no alpha has less ($bits bits, $per)',
  async ({ bits, per }) => {
    const { samples, weights, absmax } = site(40, 32);
    const linears = weights.map((weight) => ({ weight, samples }));
    const found = await searchAlpha({ linears, weights, absmax, bits, per, kernels });

    const lossOf = (s: Float64Array) => {
      const fixed = per === 'tensor' ? staticScale(absmax, s, { bits }) : undefined;
      const x = rounded(
        rowsOf(samples).map((row) => row.map((v, c) => v / s[c])),
        bits,
        fixed,
      );
      return weights.reduce((total, weight) => {
        const w = rounded(
          rowsOf(weight).map((row) => row.map((v, c) => v * s[c])),
          bits,
        );
        const wanted = product(rowsOf(samples), rowsOf(weight));
        return (
          total +
          product(x, w)
            .flat()
            .reduce((sum, y, i) => sum + (y - wanted.flat()[i]) ** 2, 0)
        );
      }, 0);
    };
    // A value on the edge between two codes may fall to either side in f32.
    const near = (actual: number, expected: number) => expect(Math.abs(actual / expected - 1)).toBeLessThan(0.01);
    near(found.plainLoss, lossOf(new Float64Array(32).fill(1)));
    near(found.loss, lossOf(found.scale));
    expect(found.loss).toBeLessThan(found.plainLoss / 2);
    expect(found.scale).toEqual(smoothingScale({ weights, absmax, alpha: found.alpha! }));
    for (let i = 1; i <= 20; i++)
      expect(lossOf(smoothingScale({ weights, absmax, alpha: i / 20 }))).toBeGreaterThan(0.99 * found.loss);
  },
);

test('no smoothing is kept where nothing is better', async () => {
  const samples = { rows: 2, columns: 2, data: Float32Array.of(127, 1, 1, 127) };
  const weight = { rows: 1, columns: 2, data: Float32Array.of(127, 1) };
  const found = await searchAlpha({ linears: [{ weight, samples }], weights: [weight], absmax: [127, 127], kernels });
  expect(found).toEqual({ scale: Float64Array.of(1, 1), loss: 0, plainLoss: 0 });
});
