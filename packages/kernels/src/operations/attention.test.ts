import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

/** Scores reach 20 here, so their own rounding moves a weight by 20 * 2^-23; values are below 1. */
const TOLERANCE = 5e-6;

function problem(
  seed: number,
  shape: { sequences: number; length: number; d: number; keyHeads: number; share: number; window: number | undefined },
) {
  const { sequences, length, d, keyHeads, share, window } = shape;
  const random = randomNumbers(seed);
  const rows = sequences * length;
  return {
    queries: random.matrix(rows, share * keyHeads * d, 4),
    keys: random.matrix(rows, keyHeads * d, 4),
    values: random.matrix(rows, keyHeads * d),
    heads: share * keyHeads,
    keyHeads,
    length,
    scale: 1 / Math.sqrt(d),
    ...(window !== undefined && { window }),
  };
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  async function compare(p: ReturnType<typeof problem>): Promise<void> {
    const actual = emptyLike(p.queries);
    const expected = emptyLike(p.queries);
    await kernels.attention({ ...p, output: actual });
    await fronts.reference.attention({ ...p, output: expected });
    expectClose(actual.data, expected.data, TOLERANCE, 1);
  }

  test('agrees with the reference on small shapes', async () => {
    const shape = fc.record({
      sequences: fc.integer({ min: 0, max: 3 }),
      length: fc.integer({ min: 1, max: 30 }),
      d: fc.integer({ min: 1, max: 20 }),
      keyHeads: fc.integer({ min: 1, max: 3 }),
      share: fc.integer({ min: 1, max: 3 }),
      window: fc.option(fc.integer({ min: 1, max: 35 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer(), shape, (seed, s) => compare(problem(seed, s))),
      { numRuns: 60 },
    );
  });

  test.each([
    { length: 119, d: 64, window: undefined },
    { length: 300, d: 80, window: undefined },
    { length: 521, d: 6, window: undefined },
    { length: 521, d: 17, window: 1 },
    { length: 521, d: 8, window: 130 },
    { length: 521, d: 8, window: 241 },
  ])('agrees with the reference over several tiles: $length x $d, window $window', async (shape) => {
    await compare(problem(7, { ...shape, sequences: 2, keyHeads: 1, share: 2 }));
  });

  test('a NaN or an infinity in a query or a key reaches what the reference says, and no other row', async () => {
    for (const odd of [Number.NaN, Infinity, -Infinity]) {
      for (const operand of ['queries', 'keys'] as const) {
        const p = problem(3, { sequences: 1, length: 150, d: 5, keyHeads: 1, share: 1, window: undefined });
        p[operand].data[5 * 77 + 2] = odd;
        await compare(p);
      }
    }
  });

  test('a NaN in a value reaches every query that sees it, and none that lies more than a tile before', async () => {
    const p = problem(3, { sequences: 1, length: 150, d: 5, keyHeads: 1, share: 1, window: undefined });
    p.values.data[5 * 77] = Number.NaN;
    const output = emptyLike(p.queries);
    await kernels.attention({ ...p, output });
    const poisoned = Array.from({ length: 150 }, (_, row) => Number.isNaN(output.data[5 * row]));
    expect(poisoned.slice(77).every(Boolean)).toBe(true);
    expect(poisoned.slice(0, 77 - 16).some(Boolean)).toBe(false);
  });
});

describe.each(fronts.modes)('%s, aged entries', (_mode, kernels) => {
  function agedProblem(seed: number, shape: Parameters<typeof problem>[1]) {
    const p = problem(seed, shape);
    const other = problem(seed + 1, shape);
    const random = randomNumbers(seed + 2);
    const counts = () => {
      let count = 0;
      const lag = Math.floor(random.next() * 40);
      return Uint32Array.from({ length: shape.length }, (_, t) => {
        if (random.next() < 0.4) count = Math.max(count, t - lag);
        return count;
      });
    };
    const aged = { keys: other.keys, values: other.values, keyCounts: counts(), valueCounts: counts() };
    return { ...p, aged };
  }

  test.each([
    { length: 40, d: 6, window: undefined },
    { length: 300, d: 33, window: undefined },
    { length: 521, d: 8, window: 130 },
  ])('agrees with the reference: $length x $d, window $window', async (shape) => {
    for (let seed = 0; seed < 4; seed++) {
      const p = agedProblem(seed, { ...shape, sequences: 2, keyHeads: 2, share: 2 });
      const actual = emptyLike(p.queries);
      const expected = emptyLike(p.queries);
      await kernels.attention({ ...p, output: actual });
      await fronts.reference.attention({ ...p, output: expected });
      expectClose(actual.data, expected.data, TOLERANCE, 1);
    }
  });

  test('a query sees aged entries below its counts and fresh ones above: as if each were asked alone', async () => {
    const length = 150;
    const p = agedProblem(9, { sequences: 1, length, d: 8, keyHeads: 1, share: 1, window: undefined });
    const output = emptyLike(p.queries);
    await kernels.attention({ ...p, output });
    const { aged, ...plain } = p;
    for (const t of [0, 41, 99, 149]) {
      const mixed = (fresh: typeof p.keys, old: typeof p.keys, count: number) => ({
        ...fresh,
        data: fresh.data.map((value, i) => (i < count * 8 ? old.data[i] : value)),
      });
      const alone = emptyLike(p.queries);
      await kernels.attention({
        ...plain,
        keys: mixed(p.keys, aged.keys, aged.keyCounts[t]),
        values: mixed(p.values, aged.values, aged.valueCounts[t]),
        output: alone,
      });
      expectClose(output.data.subarray(t * 8, t * 8 + 8), alone.data.subarray(t * 8, t * 8 + 8), TOLERANCE, 1);
    }
  });

  test('counts that fall are refused', async () => {
    const p = agedProblem(9, { sequences: 1, length: 3, d: 8, keyHeads: 1, share: 1, window: undefined });
    const aged = { ...p.aged, keyCounts: Uint32Array.of(0, 1, 0) };
    await expect(kernels.attention({ ...p, aged, output: emptyLike(p.queries) })).rejects.toThrow('falls from 1 to 0');
  });
});

describe.each([...fronts.modes, ['reference', fronts.reference] as const])(
  '%s, queries after others',
  (_mode, kernels) => {
    test.each([
      { length: 40, d: 6, window: undefined },
      { length: 300, d: 17, window: undefined },
      { length: 400, d: 8, window: 130 },
      { length: 300, d: 5, window: 1 },
    ])('the last ones alone have the bits that they have among all: $length x $d, window $window', async (shape) => {
      const p = problem(11, { ...shape, sequences: 2, keyHeads: 2, share: 2 });
      const counts = Uint32Array.from({ length: shape.length }, (_, t) => Math.max(0, t - 9));
      const { keys, values } = problem(12, { ...shape, sequences: 2, keyHeads: 2, share: 2 });
      for (const aged of [undefined, { keys, values, keyCounts: counts, valueCounts: counts }]) {
        const whole = emptyLike(p.queries);
        await kernels.attention({ ...p, ...(aged && { aged }), output: whole });
        for (const offset of [1, 25, shape.length - 3, shape.length - 1]) {
          const length = shape.length - offset;
          const last = ({ data, columns }: typeof p.queries) => {
            const parts = [0, 1].map((s) =>
              data.subarray((s * shape.length + offset) * columns, (s + 1) * shape.length * columns),
            );
            return { rows: 2 * length, columns, data: Float32Array.from(parts.flatMap((part) => [...part])) };
          };
          const queries = last(p.queries);
          const output = emptyLike(queries);
          const ofLast = aged && { ...aged, keyCounts: counts.subarray(offset), valueCounts: counts.subarray(offset) };
          await kernels.attention({ ...p, queries, length, offset, ...(ofLast && { aged: ofLast }), output });
          expect(output.data).toEqual(last(whole).data);
        }
      }
    });
  },
);

test('equal keys weigh their values equally', async () => {
  const [, kernels] = fronts.modes[0];
  const ones = { rows: 200, columns: 4, data: new Float32Array(800).fill(1) };
  const values = { rows: 200, columns: 4, data: Float32Array.from({ length: 800 }, (_, i) => Math.floor(i / 4)) };
  const output = emptyLike(ones);
  await kernels.attention({ queries: ones, keys: ones, values, heads: 1, keyHeads: 1, length: 200, scale: 1, output });
  expectClose(
    output.data,
    Float64Array.from({ length: 800 }, (_, i) => Math.floor(i / 4) / 2),
    1e-6,
  );
});

test('every number of threads gives the same bits', async () => {
  const shape = { sequences: 3, length: 203, d: 16, keyHeads: 2, share: 2, window: undefined };
  const p = problem(5, shape);
  const { keys, values } = problem(6, shape);
  const counts = Uint32Array.from({ length: 203 }, (_, t) => Math.max(0, t - 32));
  const aged = { keys, values, keyCounts: counts.map((count) => count - (count % 32)), valueCounts: counts };
  await fronts.expectSameBits(async (kernels) => {
    const output = emptyLike(p.queries);
    await kernels.attention({ ...p, output });
    const late = emptyLike(p.queries);
    await kernels.attention({ ...p, aged, output: late });
    return [output.data, late.data];
  });
});
