import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference, NaN and infinities included', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        fc.integer(),
        async (rows, columns, spoiled, seed) => {
          const random = randomNumbers(seed);
          const logits = random.matrix(rows, columns, 30);
          if (spoiled) random.spoil(logits.data);
          const picked = Uint32Array.from({ length: rows }, () => random.integer(columns));
          const actual = await kernels.logSoftmaxPick({ logits, picked });
          expectClose(actual, await fronts.reference.logSoftmaxPick({ logits, picked }), 1e-7, 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a row as wide as a vocabulary', async () => {
    const random = randomNumbers(1);
    const logits = random.matrix(2, 49153, 15);
    const picked = Uint32Array.of(49152, 0);
    expectClose(
      await kernels.logSoftmaxPick({ logits, picked }),
      await fronts.reference.logSoftmaxPick({ logits, picked }),
      1e-9,
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const random = randomNumbers(1);
  const logits = random.matrix(31, 5000);
  const picked = Uint32Array.from({ length: 31 }, () => random.integer(5000));
  await fronts.expectSameBits(async (kernels) => [await kernels.logSoftmaxPick({ logits, picked })]);
});

test('a token beyond the vocabulary is named', async () => {
  const [, kernels] = fronts.modes[0];
  const logits = randomNumbers(1).matrix(1, 3);
  await expect(kernels.logSoftmaxPick({ logits, picked: Uint32Array.of(3) })).rejects.toThrow(/picked\[0\] is 3/);
});
