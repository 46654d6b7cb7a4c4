import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Matrix } from '../matrix.ts';
import { expectClose, ULP } from '../testing/expect-close.ts';
import { openFronts } from '../testing/fronts.ts';
import { copyOf, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

/** Signs; the kernel asks for no more. */
function signs(order: number, seed: number): Matrix {
  const random = randomNumbers(seed);
  return { rows: order, columns: order, data: random.matrix(order, order).data.map((x) => (x < 0 ? -1 : 1)) };
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the matrix of the definition, in place too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(7),
        fc.nat(3),
        fc.nat(7),
        fc.integer({ min: 1, max: 21 }),
        fc.integer(),
        async (rows, blocks, power, order, seed) => {
          const size = order * 2 ** power;
          const input = randomNumbers(seed).matrix(rows, blocks * size);
          const p = { size, ...(order > 1 && { factor: signs(order, seed) }) };
          const expected = copyOf(input);
          await fronts.reference.hadamard({ ...p, input, output: expected });
          const output = copyOf(input);
          await kernels.hadamard({ ...p, input: output, output });
          // The error of a sum of `size` terms is bounded by the longest chain of additions times the sum of their magnitudes.
          const magnitude = (i: number) => {
            const start = i - (i % size);
            return input.data.subarray(start, start + size).reduce((sum, x) => sum + Math.abs(x), 0) / Math.sqrt(size);
          };
          expectClose(output.data, expected.data, (power + order + 2) * ULP, magnitude);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the transform of 1..8', async () => {
    const input = { rows: 1, columns: 8, data: Float32Array.from({ length: 8 }, (_, i) => i + 1) };
    const output = copyOf(input);
    await kernels.hadamard({ input, size: 8, output });
    const expected = [12.72792206, -Math.SQRT2, -2.82842712, 0, -5.65685425, 0, 0, 0];
    for (const [i, value] of expected.entries()) expect(output.data[i]).toBeCloseTo(value, 5);
  });

  test('a power of two twice is the identity', async () => {
    const input = randomNumbers(3).matrix(5, 1024);
    const output = copyOf(input);
    await kernels.hadamard({ input, size: 512, output });
    await kernels.hadamard({ input: output, size: 512, output });
    for (const [i, value] of input.data.entries()) expect(output.data[i]).toBeCloseTo(value, 5);
  });

  test('sizes that do not fit are named', async () => {
    const input = randomNumbers(1).matrix(2, 24);
    await expect(kernels.hadamard({ input, size: 16, output: input })).rejects.toThrow('must divide 24 columns');
    await expect(kernels.hadamard({ input, size: 24, output: input })).rejects.toThrow('power of two');
  });
});

test('every number of threads gives the same bits', async () => {
  const input = randomNumbers(1).matrix(401, 576);
  await fronts.expectSameBits(async (kernels) => {
    const output = copyOf(input);
    await kernels.hadamard({ input, size: 288, factor: signs(36, 2), output });
    return [output.data];
  });
});
