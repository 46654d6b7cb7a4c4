import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { expectClose, ULP } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { copyOf, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

/** The tables of angles position * 10000^(-2i / dimensions). */
function rotary(positions: number, dimensions: number) {
  const half = dimensions / 2;
  const table = (f: (angle: number) => number) => ({
    rows: positions,
    columns: half,
    data: Float32Array.from({ length: positions * half }, (_, i) =>
      f(Math.floor(i / half) * 10000 ** (-(i % half) / half)),
    ),
  });
  return { dimensions, cos: table(Math.cos), sin: table(Math.sin) };
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference', async () => {
    const small = fc.integer({ min: 0, max: 12 });
    await fc.assert(
      fc.asyncProperty(
        small,
        small,
        small,
        small,
        small,
        fc.boolean(),
        fc.integer(),
        async (rows, heads, half, rest, offset, spoiled, seed) => {
          const random = randomNumbers(seed);
          const length = 1 + random.integer(9);
          const values = random.matrix(rows, (heads + 1) * (2 * half + rest));
          if (spoiled) random.spoil(values.data);
          const expected = copyOf(values);
          const p = { heads: heads + 1, length, offset, rotary: rotary(length + offset, 2 * half) };
          await kernels.rotate({ ...p, values });
          await fronts.reference.rotate({ ...p, values: expected });
          // Two products of numbers below 3e38 in magnitude and a sum.
          expectClose(values.data, expected.data, spoiled ? 1e-4 : 4 * ULP, spoiled ? 1e38 : 1);
        },
      ),
      { numRuns: 80 },
    );
  });

  test('rotates the pair (x[i], x[i + d/2]) by the angle of its position and leaves the rest of a head', async () => {
    const values = { rows: 2, columns: 5, data: Float32Array.of(1, 2, 3, 4, 5, 1, 2, 3, 4, 5) };
    const quarter = { rows: 4, columns: 2, data: Float32Array.of(1, 1, 1, 1, 1, 1, 0, 1) };
    const sin = { rows: 4, columns: 2, data: Float32Array.of(0, 0, 0, 0, 0, 0, 1, 0) };
    await kernels.rotate({ values, heads: 1, length: 2, offset: 2, rotary: { cos: quarter, sin, dimensions: 4 } });
    expect([...values.data]).toEqual([1, 2, 3, 4, 5, -3, 2, 1, 4, 5]);
  });
});

test('every number of threads gives the same bits', async () => {
  const values = randomNumbers(1).matrix(4 * 101, 6 * 64);
  await fronts.expectSameBits(async (kernels) => {
    const own = copyOf(values);
    await kernels.rotate({ values: own, heads: 6, length: 101, rotary: rotary(101, 32) });
    return [own.data];
  });
});
