import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Kernels } from '../kernels.ts';
import { openFronts } from '../testing/fronts.ts';
import { copyOf, emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const side = fc.integer({ min: 0, max: 40 });
const anyScale = fc.oneof(fc.constant('token' as const), fc.float({ min: Math.fround(1e-3), max: 8, noNaN: true }));
const every = [...fronts.modes, ['reference', fronts.reference]] as const;

const int8Rows = (rows: number, columns: number) => ({
  rows,
  columns,
  codes: new Int8Array(rows * columns),
  scales: new Float32Array(rows),
});

describe.each(every)('%s', (_mode, kernels) => {
  test('ties go to the even code, and what is out of reach to the last', async () => {
    const input = { rows: 1, columns: 8, data: Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, 100, -100, 0) };
    const output = emptyLike(input);
    await kernels.fakeQuantize({ input, bits: 4, scale: 1, output });
    expect([...output.data]).toEqual([0, 2, 2, 0, -2, 7, -7, 0]);
  });

  test('rows have scales of their own; rows of zeros and of the smallest numbers are no trouble', async () => {
    const input = { rows: 4, columns: 2, data: Float32Array.of(7, -3, 70, -30, 0, 0, 1e-45, 0) };
    const codes = int8Rows(4, 2);
    await kernels.quantizeInt8({ input, bits: 4, scale: 'token', output: codes });
    expect([...codes.codes]).toEqual([7, -3, 7, -3, 0, 0, 0, 0]);
    expect([...codes.scales]).toEqual([1, 10, 2 ** -126, 2 ** -126]);
  });

  test('NaN stays NaN', async () => {
    const input = { rows: 2, columns: 5, data: new Float32Array(10).fill(1) };
    input.data[1] = Number.NaN;
    for (const scale of ['token', 1] as const) {
      const output = copyOf(input);
      await kernels.fakeQuantize({ input: output, bits: 8, scale, output });
      expect(output.data[1]).toBeNaN();
      expect(output.data[6]).toBe(1);
    }
  });

  test('refuses scales and bits that are none', async () => {
    const input = { rows: 1, columns: 1, data: Float32Array.of(1) };
    for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-40])
      await expect(kernels.fakeQuantize({ input, bits: 8, scale, output: input })).rejects.toThrow('scale is');
    await expect(kernels.fakeQuantize({ input, bits: 9, scale: 'token', output: input })).rejects.toThrow('bits is 9');
  });
});

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference in every bit, and values are codes times scales', async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 2, max: 8 }),
        anyScale,
        fc.integer(),
        async (rows, columns, bits, scale, seed) => {
          const input = randomNumbers(seed).matrix(rows, columns, 100);
          const outcome = async (front: Kernels) => {
            const [values, codes] = [emptyLike(input), int8Rows(rows, columns)];
            await front.fakeQuantize({ input, bits, scale, output: values });
            if (columns > 0) await front.quantizeInt8({ input, bits, scale, output: codes });
            return { values, codes };
          };
          const actual = await outcome(kernels);
          expect(actual).toEqual(await outcome(fronts.reference));
          for (const [i, value] of actual.values.data.entries())
            expect(value).toBe(Math.fround(actual.codes.codes[i] * actual.codes.scales[Math.floor(i / columns)]));
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const input = randomNumbers(1).matrix(401, 509, 3);
  await fronts.expectSameBits(async (kernels) => {
    const [values, codes] = [emptyLike(input), int8Rows(401, 509)];
    await kernels.fakeQuantize({ input, bits: 8, scale: 'token', output: values });
    await kernels.quantizeInt8({ input, bits: 8, scale: 0.02, output: codes });
    return [values.data, codes.codes, codes.scales];
  });
});
