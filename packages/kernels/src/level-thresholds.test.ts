import fc from 'fast-check';
import { expect, test } from 'vitest';
import { levelThresholds } from './level-thresholds.ts';

test('counting thresholds below x finds the nearest level of every f32, ties to the lower one', () => {
  // 24 bits each, on a grid of 2^-20: f64 holds every difference exactly.
  const number = fc.integer({ min: -(2 ** 23), max: 2 ** 23 }).map((i) => i / 2 ** 20);
  fc.assert(
    fc.property(fc.uniqueArray(number, { minLength: 1, maxLength: 9 }), number, (unsorted, other) => {
      const levels = Float32Array.from(unsorted).sort();
      const thresholds = levelThresholds(levels);
      const neighbours = [...thresholds].filter((t) => t !== 0).flatMap((t) => [t, nextAfter(t, 1), nextAfter(t, -1)]);
      for (const x of [other, 0, ...neighbours]) {
        const code = thresholds.filter((t) => x > t).length;
        const distances = [...levels].map((level) => Math.abs(x - level));
        expect(code).toBe(distances.indexOf(Math.min(...distances)));
      }
    }),
  );
});

test('a midpoint that no f32 can hold', () => {
  expect([...levelThresholds(Float32Array.of(-(2 ** -149), 0, 2 ** -149))]).toEqual([-(2 ** -149), 0]);
  expect([...levelThresholds(Float32Array.of(1, 1 + 2 ** -23))]).toEqual([1]);
  expect([...levelThresholds(Float32Array.of(-3e38, 3e38))]).toEqual([0]);
});

function nextAfter(x: number, direction: number): number {
  const float = Float32Array.of(x);
  const bits = new Int32Array(float.buffer);
  bits[0] += x > 0 ? direction : -direction;
  return float[0];
}
