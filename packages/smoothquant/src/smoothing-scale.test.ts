import { randomStream } from '@compress/core';
import { expect, test } from 'vitest';
import { smoothingScale } from './index.ts';

const random = randomStream('smoothing');
const normals = (rows: number, columns: number) => ({
  rows,
  columns,
  data: Float32Array.from({ length: rows * columns }, () => random.normal()),
});
const absmax = Float64Array.from({ length: 24 }, () => 0.1 + 20 * random.uniform());
const weights = [normals(7, 24), normals(5, 24)];
const columnMaxima = (scale: ArrayLike<number>) =>
  Array.from(scale, (s, c) =>
    Math.max(...weights.flatMap(({ data }) => [...data].filter((_, i) => i % 24 === c).map((w) => Math.abs(w * s)))),
  );

test('a worked example', () => {
  const weight = { rows: 2, columns: 4, data: Float32Array.of(-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4) };
  const scale = smoothingScale({ weights: [weight], absmax: [3, 3, 3, 3] });
  const expected = [2.236067977, 1.463850109, 1.519109051, 2.738612788];
  for (const [c, value] of expected.entries()) expect(scale[c]).toBeCloseTo(value, 6);
});

test('alpha 0 makes all columns of the weights alike, alpha 1 all channels of the activations, 0.5 both the same', () => {
  for (const most of columnMaxima(smoothingScale({ weights, absmax, alpha: 0 }))) expect(most).toBeCloseTo(1, 12);
  const whole = smoothingScale({ weights, absmax, alpha: 1 });
  for (const [c, s] of whole.entries()) expect(absmax[c] / s).toBeCloseTo(1, 12);
  const half = smoothingScale({ weights, absmax });
  for (const [c, most] of columnMaxima(half).entries()) expect(most).toBeCloseTo(absmax[c] / half[c], 12);
});

test('channels that were always 0 keep 1, and columns of zeros divide by something', () => {
  const weight = { rows: 1, columns: 3, data: Float32Array.of(1, 0, 0) };
  const scale = smoothingScale({ weights: [weight], absmax: [0, 0, 4] });
  expect([...scale.subarray(0, 2)]).toEqual([1, 1]);
  expect(scale[2]).toBeCloseTo(2 / Math.sqrt(1e-5), 9);
});
