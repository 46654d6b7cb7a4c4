import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openFronts } from '../testing/fronts.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const every = [...fronts.modes, ['reference', fronts.reference]] as const;

test.each(every)('%s: each number is multiplied by that of its column, whatever both are', async (_mode, kernels) => {
  const side = fc.integer({ min: 0, max: 20 });
  await fc.assert(
    fc.asyncProperty(side, side, fc.integer(), async (rows, columns, seed) => {
      const random = randomNumbers(seed);
      const input = random.matrix(rows, columns);
      random.spoil(input.data);
      const factors = random.floats(columns);
      const expected = input.data.map((x, i) => Math.fround(x * factors[i % columns]));
      const output = emptyLike(input);
      await kernels.scaleColumns({ input, factors, output });
      expect(output.data).toEqual(expected);
      await kernels.scaleColumns({ input, factors, output: input });
      expect(input.data).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('every number of threads gives the same bits', async () => {
  const random = randomNumbers(1);
  const input = random.matrix(501, 401);
  const factors = random.floats(401);
  await fronts.expectSameBits(async (kernels) => {
    const output = emptyLike(input);
    await kernels.scaleColumns({ input, factors, output });
    return [output.data];
  });
});
