import { expect, test } from 'vitest';
import { scaleOfRatio } from './scale-of-ratio.ts';

const activation = Float64Array.of(10 / 6, 11 / 6, 7 / 6, 2);

test('a worked example', () => {
  // Roots are 1.290994, 1.354006, 1.080123 and 1.414214; the largest times the least is 1.235928 squared.
  const expected = [1.044552273, 1.095535666, 0.873935133, 1.144249685];
  for (const [c, scale] of scaleOfRatio({ activation }, 0.5).entries()) expect(scale).toBeCloseTo(expected[c], 8);
});

test('the ratio 0 changes nothing, nor does any ratio where all channels are alike', () => {
  expect([...scaleOfRatio({ activation }, 0)]).toEqual([1, 1, 1, 1]);
  expect([...scaleOfRatio({ activation: Float64Array.of(3, 3, 3) }, 0.7)]).toEqual([1, 1, 1]);
});

test('only proportions count', () => {
  const louder = activation.map((value) => 1000 * value);
  for (const ratio of [0.05, 0.5, 0.95])
    for (const [c, scale] of scaleOfRatio({ activation: louder }, ratio).entries())
      expect(scale).toBeCloseTo(scaleOfRatio({ activation }, ratio)[c], 12);
});

test('duo scaling divides by what the weights have of their ranges', () => {
  const weight = Float64Array.of(0.5, 0.25, 0.5, 0.25);
  const scale = scaleOfRatio({ activation, weight }, 0.5);
  expect(scale[1] / scale[0]).toBeCloseTo(Math.sqrt(1.1) * Math.SQRT2, 3);
  const alike = scaleOfRatio({ activation, weight: Float64Array.of(0.5, 0.5, 0.5, 0.5) }, 0.5);
  for (const [c, value] of scaleOfRatio({ activation }, 0.5).entries()) expect(alike[c]).toBeCloseTo(value, 8);
});

test('channels that no token used keep scale 1, and very quiet ones have bounded scales', () => {
  const scale = scaleOfRatio({ activation: Float64Array.of(0, 1, 1e-30) }, 0.9);
  expect(scale[0]).toBe(1);
  expect(scale[1] / scale[2]).toBeCloseTo(1e4, 6);
  expect([...scaleOfRatio({ activation: new Float64Array(3) }, 0.5)]).toEqual([1, 1, 1]);
});
