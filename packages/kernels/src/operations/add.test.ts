import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openFronts } from '../testing/fronts.ts';
import { copyOf, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('adds with two roundings, whatever the numbers', async () => {
    const side = fc.integer({ min: 0, max: 20 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.option(fc.float(), { nil: undefined }),
        fc.integer(),
        async (rows, columns, factor, seed) => {
          const random = randomNumbers(seed);
          const source = random.matrix(rows, columns);
          const target = random.matrix(rows, columns);
          random.spoil(source.data);
          const expected = target.data.map((x, i) => x + Math.fround(source.data[i] * (factor ?? 1)));
          await kernels.add({ source, target, ...(factor !== undefined && { factor }) });
          expect(target.data).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const source = randomNumbers(1).matrix(501, 401);
  await fronts.expectSameBits(async (kernels) => {
    const target = copyOf(source);
    await kernels.add({ source, target, factor: 0.3 });
    return [target.data];
  });
});
