import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createKernels } from '../create-kernels.ts';
import { expectClose, ULP } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

function int8Rows(random: ReturnType<typeof randomNumbers>, rows: number, columns: number) {
  const codes = Int8Array.from({ length: rows * columns }, () => random.integer(256) - 128);
  return { rows, columns, codes, scales: random.floats(rows).map((x) => Math.abs(x) + 0.01) };
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference in every bit', async () => {
    const side = fc.integer({ min: 0, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.oneof(side, fc.integer({ min: 500, max: 1100 })),
        fc.boolean(),
        fc.integer(),
        async (m, n, k, biased, seed) => {
          const random = randomNumbers(seed);
          const p = { input: int8Rows(random, m, k), weight: int8Rows(random, n, k) };
          const bias = biased ? { bias: random.floats(n) } : {};
          const [actual, expected] = [random.matrix(m, n), random.matrix(m, n)];
          await kernels.linearInt8({ ...p, ...bias, output: actual });
          await fronts.reference.linearInt8({ ...p, ...bias, output: expected });
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the largest sum is exact, and one column more is refused', async () => {
    const full = (columns: number) => ({
      rows: 1,
      columns,
      codes: new Int8Array(columns).fill(-128),
      scales: Float32Array.of(1),
    });
    const output = { rows: 1, columns: 1, data: new Float32Array(1) };
    await kernels.linearInt8({ input: full(131071), weight: full(131071), output });
    expect(output.data[0]).toBe(Math.fround(131071 * 16384));
    await expect(kernels.linearInt8({ input: full(131072), weight: full(131072), output })).rejects.toThrow('131072');
  });

  test('codes of activations and weights give what their values give in f32', async () => {
    const random = randomNumbers(5);
    const [x, w] = [random.matrix(70, 577, 3), random.matrix(130, 577)];
    const [input, weight] = [int8Rows(random, 70, 577), int8Rows(random, 130, 577)];
    await kernels.quantizeInt8({ input: x, bits: 8, scale: 'token', output: input });
    await kernels.quantizeInt8({ input: w, bits: 8, scale: 'token', output: weight });
    const integer = random.matrix(70, 130);
    await kernels.linearInt8({ input, weight, output: integer });
    const [values, weights] = [emptyLike(x), emptyLike(w)];
    await kernels.fakeQuantize({ input: x, bits: 8, scale: 'token', output: values });
    await kernels.fakeQuantize({ input: w, bits: 8, scale: 'token', output: weights });
    const simulated = random.matrix(70, 130);
    await kernels.linear({ input: values, weight: weights, output: simulated });
    // Each sum of 577 products is off by at most that many roundings of the sum of their magnitudes, which is below 577 * 3.
    expectClose(integer.data, simulated.data, 577 * ULP, 577 * 3);
    const root = Math.sqrt(integer.data.reduce((sum, y, i) => sum + (y - simulated.data[i]) ** 2, 0));
    expect(root / Math.sqrt(simulated.data.reduce((sum, y) => sum + y * y, 0))).toBeLessThan(16 * ULP);
  });
});

test('every number of threads, and both tiles, give the same bits', async () => {
  const random = randomNumbers(1);
  const [input, weight] = [int8Rows(random, 301, 1030), int8Rows(random, 299, 1030)];
  const few = { ...input, rows: 3, codes: input.codes.slice(0, 3 * 1030), scales: input.scales.slice(0, 3) };
  await fronts.expectSameBits(async (kernels) => {
    const [all, some] = [random.matrix(301, 299), random.matrix(3, 299)];
    await kernels.linearInt8({ input, weight, output: all });
    await kernels.linearInt8({ input: few, weight, output: some });
    return [all.data, some.data];
  });
  const wide = await createKernels({ threads: 1 });
  const [output, expected] = [random.matrix(301, 299), random.matrix(301, 299)];
  await wide.linearInt8({ input, weight, output });
  await fronts.reference.linearInt8({ input, weight, output: expected });
  expect(output).toEqual(expected);
  await wide.close();
});
