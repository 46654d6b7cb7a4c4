import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { expectClose, ULP } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const side = fc.integer({ min: 0, max: 40 });

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('norms agree with the reference, NaN and infinities included', async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.boolean(),
        fc.boolean(),
        fc.integer(),
        async (rows, columns, unitOffset, spoiled, seed) => {
          const random = randomNumbers(seed);
          const input = random.matrix(rows, columns, 10);
          if (spoiled) random.spoil(input.data);
          const gain = random.floats(columns);
          const bias = random.floats(columns);
          for (const p of [
            { input, gain, epsilon: 1e-5, unitOffset },
            { input, gain, epsilon: 1e-6, ...(unitOffset && { bias }) },
          ]) {
            const norm = 'unitOffset' in p ? ('rmsNorm' as const) : ('layerNorm' as const);
            const actual = emptyLike(input);
            const expected = emptyLike(input);
            await kernels[norm]({ ...p, output: actual });
            await fronts.reference[norm]({ ...p, output: expected });
            // The product and the sum with the bias may cancel: their roundings count against a bias of 1.
            expectClose(actual.data, expected.data, 4 * ULP, norm === 'layerNorm' ? 8 : 1e-30);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('a row of known norm', async () => {
  const [, kernels] = fronts.modes[0];
  const input = { rows: 1, columns: 4, data: Float32Array.of(1, -1, 7, -7) };
  const output = emptyLike(input);
  await kernels.rmsNorm({ input, gain: Float32Array.of(1, 2, 0, 1), epsilon: 0, unitOffset: true, output });
  expectClose(output.data, [2 / 5, -3 / 5, 7 / 5, -14 / 5], 4 * ULP);
  await kernels.layerNorm({ input, gain: new Float32Array(4).fill(1), epsilon: 0, output });
  expectClose(output.data, [1 / 5, -1 / 5, 7 / 5, -7 / 5], 4 * ULP);
});

test('every number of threads gives the same bits', async () => {
  const random = randomNumbers(1);
  const input = random.matrix(301, 577);
  const gain = random.floats(577);
  await fronts.expectSameBits(async (kernels) => {
    const outputs = [emptyLike(input), emptyLike(input)];
    await kernels.rmsNorm({ input, gain, epsilon: 1e-5, output: outputs[0] });
    await kernels.layerNorm({ input, gain, bias: gain, epsilon: 1e-5, output: outputs[1] });
    return outputs.map(({ data }) => data);
  });
});

test('a wrong shape is named', async () => {
  const [, kernels] = fronts.modes[0];
  const input = randomNumbers(1).matrix(2, 3);
  const norm = kernels.rmsNorm({ input, gain: new Float32Array(4), epsilon: 1e-5, output: emptyLike(input) });
  await expect(norm).rejects.toThrow(/gain has 4 elements but must have 3/);
});
