import { expect, test } from 'vitest';
import { randomStream } from './random-stream.ts';
import { xoshiro128StarStar } from './random-xoshiro.ts';

const draw = (count: number, next: () => number) => Float64Array.from({ length: count }, next);

test('xoshiro128** agrees with a C-like implementation in Python integers from the state 1, 2, 3, 4', () => {
  expect([...draw(10, xoshiro128StarStar([1, 2, 3, 4]))]).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});

test('the same seed parts give the same stream and others another', () => {
  const a = draw(50, randomStream(1, 'awq', 'blocks.0').uniform);
  expect(draw(50, randomStream(1, 'awq', 'blocks.0').uniform)).toEqual(a);
  for (const parts of [
    [2, 'awq', 'blocks.0'],
    [1, 'awq', 'blocks.1'],
    [1, 'awqblocks.0'],
    ['1', 'awq', 'blocks.0'],
  ])
    expect(draw(50, randomStream(...parts).uniform)).not.toEqual(a);
});

test('the first numbers of a stream never change', () => {
  const stream = randomStream(0);
  expect([stream.uniform(), stream.integer(1000), stream.normal()]).toMatchInlineSnapshot(`
    [
      0.8718688658214769,
      221,
      1.4898079878635468,
    ]
  `);
});

test('integers are uniform below their bound and reject a senseless one', () => {
  const stream = randomStream('integers');
  const counts = new Array(6).fill(0);
  for (let i = 0; i < 60_000; i++) counts[stream.integer(6)]++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  expect(chiSquare).toBeLessThan(20.5); // 5 degrees of freedom, p = 0.001
  expect(stream.integer(2 ** 53 - 1)).toBeGreaterThan(2 ** 32);
  for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 60]) expect(() => stream.integer(bound)).toThrow(RangeError);
});

test('normal numbers have the moments and the tail of a standard normal', () => {
  const count = 200_000;
  const x = draw(count, randomStream('normals').normal);
  const moment = (power: number) => x.reduce((sum, value) => sum + value ** power, 0) / count;
  // Four standard errors of the 1st, 2nd, 3rd and 4th moment: variances 1, 2, 15, 96.
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ])
    expect(Math.abs(moment(power) - expected)).toBeLessThan(4 * Math.sqrt(variance / count));
  const beyondTwo = x.filter((value) => Math.abs(value) > 2).length / count;
  expect(Math.abs(beyondTwo - 0.0455003)).toBeLessThan(4 * Math.sqrt(0.0455 / count));
});
