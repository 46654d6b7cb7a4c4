import { expect, test } from 'vitest';
import { compareOutcomes } from './mcnemar.ts';

/** `both` right, then those that one alone had right, then `neither`. */
function outcomes(both: number, onlyFirst: number, onlySecond: number, neither: number): [boolean[], boolean[]] {
  const rows = [
    ...Array(both).fill([true, true]),
    ...Array(onlyFirst).fill([true, false]),
    ...Array(onlySecond).fill([false, true]),
    ...Array(neither).fill([false, false]),
  ];
  return [rows.map(([first]) => first), rows.map(([, second]) => second)];
}

test.each([
  // By hand: 2 sum_{k <= min} C(n, k) / 2^n.
  [0, 5, 2 / 32],
  [1, 7, (2 * (1 + 8)) / 256],
  [9, 2, (2 * (1 + 11 + 55)) / 2048],
  [4, 5, 1],
  [6, 6, 1],
  [0, 0, 1],
  [1, 0, 1],
])('%i against %i: p = %d', (b, c, p) => {
  const result = compareOutcomes(...outcomes(3, b, c, 4));
  expect(result).toMatchObject({ onlyFirst: b, onlySecond: c });
  expect(result.pValue).toBeCloseTo(p, 12);
});

test.each([
  [450, 550],
  [1000, 1100],
  [30, 2000],
])('many: %i against %i, as whole numbers of any size have it', (b, c) => {
  const n = BigInt(b + c);
  let term = 1n;
  let tail = 1n;
  for (let k = 1n; k <= BigInt(Math.min(b, c)); k++) {
    term = (term * (n - k + 1n)) / k;
    tail += term;
  }
  // 2 tail / 2^n, to 60 bits of the quotient.
  const scaled = (2n * tail * 2n ** 1060n) / 2n ** n;
  const exact = Number(scaled >> 1000n) / 2 ** 60;
  const { pValue } = compareOutcomes(...outcomes(0, b, c, 0));
  expect(Math.abs(pValue - exact)).toBeLessThanOrEqual(1e-10 * exact + 2 ** -60);
});

test('the difference of shares and its standard error, over items as pairs', () => {
  const [first, second] = outcomes(10, 6, 2, 7);
  const { difference, standardError } = compareOutcomes(first, second);
  const differences = first.map((right, i) => Number(right) - Number(second[i]));
  const mean = differences.reduce((sum, value) => sum + value, 0) / 25;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 24;
  expect(difference).toBeCloseTo(4 / 25, 12);
  expect(standardError).toBeCloseTo(Math.sqrt(variance / 25), 12);
});

test('outcomes of other items cannot be paired', () => {
  expect(() => compareOutcomes([true], [true, false])).toThrow('1 outcomes cannot be paired with 2');
});
