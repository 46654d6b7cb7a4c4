import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createKernels } from './create-kernels.ts';
import type { Kernels } from './kernels.ts';
import type { Matrix } from './matrix.ts';
import { createReferenceKernels } from './reference/create-reference-kernels.ts';
import { hessianOf } from './testing/hessian.ts';
import { copyOf, randomNumbers } from './testing/random.ts';

const reference = createReferenceKernels();
const fronts = {
  'fma, 1 thread': await createKernels({ threads: 1 }),
  'mul-add, 1 thread': await createKernels({ threads: 1, numerics: 'mul-add' }),
  'fma, 2 threads': await createKernels({ threads: 2 }),
};
afterAll(async () => {
  await Promise.all(Object.values(fronts).map((kernels) => kernels.close()));
});

/** Errors of chains of up to 256 roundings in f32, as a fraction of the sum of magnitudes. */
const ROUNDING = 1e-6;

const side = fc.integer({ min: 0, max: 70 });

describe.each(Object.entries(fronts))('%s', (_name, kernels) => {
  test('linear agrees with the reference', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, side, fc.boolean(), fc.boolean(), seed, async (t, n, k, accumulate, biased, s) => {
        const random = randomNumbers(s).matrix;
        const input = random(t, k);
        const weight = random(n, k);
        const start = random(t, n);
        const bias = biased ? random(1, n).data : undefined;
        await expectSame(kernels, [start], (front, output) =>
          front.linear({ input, weight, output, accumulate, ...(bias && { bias }) }),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('multiply agrees with the reference', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, side, fc.boolean(), fc.boolean(), seed, async (m, n, k, accumulate, negate, s) => {
        const random = randomNumbers(s).matrix;
        const left = random(m, k);
        const right = random(k, n);
        const start = random(m, n);
        await expectSame(kernels, [start], (front, output) =>
          front.multiply({ left, right, output, accumulate, negate }),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('gram agrees with the reference and leaves the upper triangle alone', async () => {
    await fc.assert(
      fc.asyncProperty(side, side, seed, async (t, k, s) => {
        const random = randomNumbers(s).matrix;
        const input = random(t, k);
        const start = random(k, k);
        await expectSame(kernels, [start], (front, output) => front.gram({ input, output }));
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    [3, 700, 300],
    [650, 5, 4100],
    [257, 300, 513],
  ])('products beyond one window: %i x %i x %i', async (t, n, k) => {
    const random = randomNumbers(t).matrix;
    const input = random(t, k);
    const weight = random(n, k);
    await expectSame(kernels, [random(t, n)], (front, output) => front.linear({ input, weight, output }));
    const tokens = random(t, n);
    await expectSame(kernels, [random(n, n)], (front, output) => front.gram({ input: tokens, output }));
  });

  test('inverseFactor agrees with the reference, and with its definition', async () => {
    for (const size of [0, 1, 5, 64, 129, 200, 300]) {
      const random = randomNumbers(size).matrix;
      const hessian = hessianOf(random(2 * size, size));
      await expectSame(kernels, [random(size, size)], (front, output) => front.inverseFactor({ hessian, output }), 1);
      await expectSame(kernels, [hessian], (front, output) => front.cholesky(output), 1);
      await expectSame(
        kernels,
        [hessian],
        async (front, output) => {
          await reference.cholesky(output);
          await front.invertLower(output);
        },
        1,
      );
    }
  });

  test('beyond one window, L times its inverse is the identity', async () => {
    const size = 1100;
    const factor = kernels.matrix(size, size);
    const { data } = randomNumbers(1).matrix(size, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++)
        factor.data[i * size + j] = i === j ? 2 + data[i * size + j] : data[i * size + j] / 30;
    }
    const inverse = copyOf(factor);
    const product = kernels.matrix(size, size);
    await kernels.invertLower(inverse);
    await kernels.multiply({ left: factor, right: inverse, output: product });
    const worst = product.data.reduce((most, x, i) => Math.max(most, Math.abs(x - (i % (size + 1) === 0 ? 1 : 0))), 0);
    expect(worst).toBeLessThan(1e-5);
    expect(inverse.data.every((x, i) => x === 0 || i % size <= Math.floor(i / size))).toBe(true);
  });

  test('a matrix that is not positive definite is told by its column', async () => {
    for (const [size, bad] of [
      [3, 1],
      [200, 5],
      [200, 190],
    ] as const) {
      const hessian = hessianOf(randomNumbers(size).matrix(2 * size, size));
      hessian.data[bad * size + bad] = -1;
      expect(await kernels.inverseFactor({ hessian, output: kernels.matrix(size, size) })).toBe(1 + bad);
      expect(await kernels.cholesky(copyOf(hessian))).toBe(1 + bad);
    }
  });

  test('symmetrize copies the lower triangle up', async () => {
    for (const size of [0, 1, 33, 100]) {
      await expectSame(kernels, [randomNumbers(size).matrix(size, size)], (front, output) => front.symmetrize(output));
    }
  });

  test('NaN and infinities reach exactly the outputs that they touch', async () => {
    const random = randomNumbers(5).matrix;
    const input = random(40, 33);
    const weight = random(30, 33);
    input.data[3 * 33 + 7] = Number.NaN;
    weight.data[11 * 33 + 2] = Number.POSITIVE_INFINITY;
    await expectSame(kernels, [random(40, 30)], (front, output) => front.linear({ input, weight, output }));
  });

  test('a wrong shape is a RangeError that names the operand', async () => {
    const random = randomNumbers(1).matrix;
    await expect(kernels.linear({ input: random(2, 3), weight: random(4, 5), output: random(2, 4) })).rejects.toThrow(
      /weight/,
    );
  });
});

const seed = fc.integer({ min: 1, max: 2 ** 31 });

/** Runs the same work on the kernels and on the reference, each on its own copy of the output, and compares. */
async function expectSame(
  kernels: Kernels,
  [start]: [Matrix],
  work: (front: Kernels, output: Matrix) => Promise<unknown>,
  scale = Math.sqrt(4200),
) {
  const actual = copyOf(start);
  const expected = copyOf(start);
  await work(kernels, actual);
  await work(reference, expected);
  for (let i = 0; i < start.data.length; i++) {
    const a = actual.data[i];
    const e = expected.data[i];
    if (Object.is(a, e) || Math.abs(a - e) <= ROUNDING * (scale + Math.abs(e))) continue;
    expect.fail(`element ${i} is ${a}, the reference has ${e}`);
  }
}
