import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { power } from './power.ts';

/** A float64 as an integer times 2^exponent. */
function exact(value: number): { integer: bigint; exponent: number } {
  let exponent = 0;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    exponent--;
  }
  return { integer: BigInt(scaled), exponent };
}

/** The sign of a - b for a = x^p and b = r^q, in integers. */
function comparePowers(x: number, p: number, r: { integer: bigint; exponent: number }, q: number): number {
  const base = exact(x);
  const left = base.integer ** BigInt(p);
  const right = r.integer ** BigInt(q);
  const shift = base.exponent * p - r.exponent * q;
  const [a, b] = shift >= 0 ? [left << BigInt(shift), right] : [left, right << BigInt(-shift)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The middle between a float64 and its neighbour in a direction, and 2^-30 of their distance beyond it: how well `power` tells a tie. */
function middle(value: number, direction: 1 | -1): { integer: bigint; exponent: number } {
  const bits = new BigUint64Array(new Float64Array([value]).buffer);
  const neighbour = new Float64Array(new BigUint64Array([bits[0] + BigInt(direction)]).buffer)[0];
  const [a, b] = [exact(value), exact(neighbour)];
  const exponent = Math.min(a.exponent, b.exponent);
  const at = ({ integer, exponent: own }: typeof a) => integer << BigInt(own - exponent);
  return { integer: ((at(a) + at(b)) << 30n) + 2n * (at(b) - at(a)), exponent: exponent - 31 };
}

describe('power', () => {
  it('is the float64 that lies nearest, but for what is nearly a tie, which integers prove', () => {
    const base = fc.oneof(
      fc.double({ min: 2 ** -30, max: 1, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      // Near 1 a power of x is nearly a tie.
      fc.integer({ min: 1, max: 20 }).map((units) => 1 - units * 2 ** -53),
    );
    const sixteenths = fc.integer({ min: 1, max: 32 });
    fc.assert(
      fc.property(base, sixteenths, (x, p) => {
        const result = power(x, p / 16);
        expect(comparePowers(x, p, middle(result, 1), 16)).toBeLessThanOrEqual(0);
        expect(comparePowers(x, p, middle(result, -1), 16)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('is so for the frequencies of rotary embeddings', () => {
    for (const theta of [500, 10_000, 500_000, 1e6])
      for (let i = 0; i < 64; i++) {
        const frequency = power(theta, -i / 64);
        // r^64 theta^i is 1 for the true root r.
        const side = ({ integer, exponent }: ReturnType<typeof exact>) =>
          Number(integer ** 64n * BigInt(theta) ** BigInt(i) >= 1n << BigInt(-64 * exponent));
        expect([side(middle(frequency, -1)), side(middle(frequency, 1))]).toEqual([0, 1]);
      }
  });

  it('agrees with the engine to two units in the last place, and knows what is exact', () => {
    const argument = fc.double({ min: -300, max: 300, noNaN: true });
    fc.assert(
      fc.property(argument, fc.double({ min: -1, max: 1, noNaN: true }), (log, y) => {
        const x = 10 ** log;
        expect(Math.abs(power(x, y) / x ** y - 1)).toBeLessThan(4.5e-16);
      }),
    );
    expect([
      power(1, 7),
      power(3, 0),
      power(2, 10),
      power(2, -1021),
      power(9, 0.5),
      power(7, 1),
      power(10, 15),
    ]).toEqual([1, 1, 1024, 2 ** -1021, 3, 7, 1e15]);
    expect([power(0, 0.3), power(0.5, 2000), power(2, 1e300), power(2, 1023.5)]).toEqual([
      0,
      0,
      Number.POSITIVE_INFINITY,
      2 ** 1023 * Math.SQRT2,
    ]);
    for (const [x, y] of [
      [0, -1],
      [-1, 2],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
      [2, Number.POSITIVE_INFINITY],
    ])
      expect(() => power(x, y)).toThrow(RangeError);
  });
});
