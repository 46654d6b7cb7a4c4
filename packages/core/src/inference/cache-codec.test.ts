import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCacheCodec } from './cache-codec.ts';
import type { CacheSide } from './inference.ts';
import { E4M3, F16, roundToFloat } from './round-to-float.ts';

type Kept = Pick<CacheSide, 'grid' | 'scales' | 'outliers'>;

function roundTrip(kept: Kept, values: readonly number[], scale?: number) {
  const codec = createCacheCodec(kept, values.length);
  const { codes, scale: used, minimum, outliers } = codec.encode(Float32Array.from(values), scale);
  const output = new Float32Array(values.length);
  const coded = { ...codec.group(), codes, scale: used, minimum, outliers };
  codec.decode(codec.encode(Float32Array.from(values), scale), output);
  return { ...coded, output: [...output] };
}

const int = (bits: number): Kept => ({ grid: { kind: 'int', bits } });

test('the worked example of KIVI: 2 bits, scale 1, minimum -1', () => {
  const { codes, scale, minimum, output } = roundTrip(int(2), [0.5, -1, 2, 0.25]);
  expect([...codes]).toEqual([2, 0, 3, 1]);
  expect([scale, minimum]).toEqual([1, -1]);
  expect(output).toEqual([1, -1, 2, 0]);
});

const group = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 40 });

test('integers are at most half a step away, but for what f16 takes from scale and minimum', () => {
  fc.assert(
    fc.property(group, fc.constantFrom(2, 3, 4, 8), (values, bits) => {
      const { output } = roundTrip(int(bits), values);
      const low = values.reduce((least, value) => Math.min(least, value), values[0]);
      const high = values.reduce((most, value) => Math.max(most, value), values[0]);
      const step = (high - low) / (2 ** bits - 1);
      const stored = 2 ** -11 * (Math.abs(low) + high - low) + 2 ** bits * 2 ** -25;
      for (const [i, value] of values.entries())
        expect(Math.abs(output[i] - value)).toBeLessThanOrEqual(step / 2 + stored + 1e-6 * Math.abs(value));
    }),
  );
});

test('a group of one constant is that constant, of zeros zero, and no group makes a NaN', () => {
  for (const grid of [{ kind: 'int', bits: 2 }, { kind: 'fp8' }] as const)
    for (const value of [0, 1, -0.375, 1e-12, 60_000]) {
      const { output } = roundTrip({ grid }, [value, value, value]);
      for (const one of output) expect(Math.abs(one - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -4 + 1e-7);
    }
  expect(roundTrip(int(2), [1e30, -1e30, 3]).output.every(Number.isFinite)).toBe(true);
});

test('what is no number makes its whole group none', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    for (const kept of [int(4), { grid: { kind: 'fp8' } }] as Kept[])
      expect(roundTrip(kept, [1, bad, 3]).output).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('E4M3: its 253 numbers stay, others go to the nearest, ties to the even one', () => {
  const codec = { grid: { kind: 'fp8' } } as const;
  // From its definition: 2^e (1 + m / 8), and m 2^-9 below 2^-6; 480 would be NaN.
  const numbers = [0];
  for (let m = 1; m < 8; m++) numbers.push(m * 2 ** -9);
  for (let e = -6; e <= 8; e++) for (let m = 0; m < 8; m++) if (e < 8 || m < 7) numbers.push(2 ** e * (1 + m / 8));
  expect(numbers).toHaveLength(127);
  for (const [i, number] of numbers.entries()) {
    expect(roundTrip(codec, [number, -number], 1).output).toEqual([number, 0 - number]);
    if (i === 0) continue;
    const tie = (number + numbers[i - 1]) / 2;
    const even = i % 2 === 0 ? number : numbers[i - 1];
    expect(roundTrip(codec, [tie, 0 - tie], 1).output).toEqual([even, 0 - even]);
    expect(roundToFloat(tie, E4M3)).toBe(even);
  }
  expect(roundTrip(codec, [1e6, -449], 1).output).toEqual([448, -448]);
});

test('f16 as typed arrays have it, where there is one', () => {
  const Float16 = (globalThis as { Float16Array?: new (values: number[]) => ArrayLike<number> }).Float16Array;
  if (!Float16) return console.warn('SKIPPED: this Node has no Float16Array');
  fc.assert(
    fc.property(fc.double({ min: -65_000, max: 65_000, noNaN: true }), (x) => {
      // Without the sign of 0.
      expect(roundToFloat(x, F16) + 0).toBe(new Float16([x])[0] + 0);
    }),
  );
});

test('levels: the nearest of absmax times the table, or of the norm times the table', () => {
  const levels = [-1, -0.25, 0.5, 1];
  const values = [0.1, -0.9, 2, -0.2, 0.6];
  const nearest = (scale: number) =>
    values.map((value) => {
      const distances = levels.map((level) => Math.abs(level * scale - value));
      return levels[distances.indexOf(Math.min(...distances))] * scale;
    });
  const byAbsmax = roundTrip({ grid: { kind: 'levels', levels, scale: 'absmax' } }, values);
  expect(byAbsmax.scale).toBe(2);
  expect(byAbsmax.output).toEqual(nearest(2));
  const { scale, output } = roundTrip({ grid: { kind: 'levels', levels, scale: 'norm' } }, values);
  expect(scale).toBeCloseTo(Math.sqrt((0.01 + 0.81 + 4 + 0.04 + 0.36) / 5), 3);
  for (const [i, value] of nearest(scale).entries()) expect(output[i]).toBeCloseTo(value, 6);
});

test('calibrated integers lie around 0, from -2^(b-1) to 2^(b-1) - 1', () => {
  expect(roundTrip({ ...int(2), scales: [0.5] }, [-9, -1, -0.5, 0, 0.3, 0.5, 9], 0.5).output).toEqual([
    -1, -1, -0.5, 0, 0.5, 0.5, 0.5,
  ]);
});

test('outliers: of all ways to leave that many out, the one with the narrowest range', () => {
  const values = fc.uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 4, maxLength: 9 });
  fc.assert(
    fc.property(values, fc.constantFrom(0.2, 0.4), (group, share) => {
      const count = Math.ceil(share * group.length);
      const { outliers, output, scale } = roundTrip({ ...int(2), outliers: share }, group);
      expect(outliers).toHaveLength(count);
      for (const place of outliers) expect(output[place]).toBe(group[place]);
      let narrowest = Number.POSITIVE_INFINITY;
      for (let set = 0; set < 2 ** group.length; set++) {
        const kept = group.filter((_, i) => ((set >> i) & 1) === 1);
        if (kept.length === group.length - count)
          narrowest = Math.min(narrowest, Math.max(...kept) - Math.min(...kept));
      }
      expect(scale).toBeCloseTo(narrowest / 3, 0);
    }),
  );
});
