import { afterAll, expect, test } from 'vitest';
import { inverseFactor } from './inverse-factor.ts';
import { linearAlgebra } from './linear-algebra.ts';
import type { Matrix } from './matrix.ts';
import { createPool, type Pool } from './pool/pool.ts';
import { hessianOf } from './testing/hessian.ts';
import { copyOf, randomNumbers } from './testing/random.ts';
import { compile, hasRevectorizer } from './wasm/compile.ts';

const plain = await compile('fma');
const pools: Record<string, Pool> = {
  '1 thread': await createPool(plain, 1),
  '2 threads': await createPool(plain, 2),
  '7 threads': await createPool(plain, 7),
  'wide tiles, 1 thread': await createPool(await compile('fma-wide'), 1),
};
if (hasRevectorizer())
  pools['wide tiles, revectorized, 2 threads'] = await createPool(await compile('fma-wide', true), 2);
else console.warn('skipped: this Node has no revectorizer, so the wide build was compared without it');
afterAll(async () => {
  await Promise.all(Object.values(pools).map((pool) => pool.close()));
});

/** Runs the same work on every pool and expects the same bits as from the first. The work is large enough that the workers take part. */
async function expectSameBits(work: (pool: Pool) => Promise<(Matrix | Float64Array | Uint8Array)[]>): Promise<void> {
  let first: (Matrix | Float64Array | Uint8Array)[] | undefined;
  for (const pool of Object.values(pools)) {
    const results = await work(pool);
    first ??= results;
    expect(results.map(bytesOf)).toEqual(first.map(bytesOf));
  }
}

const bytesOf = (result: Matrix | Float64Array | Uint8Array) => {
  const array = 'data' in result ? result.data : result;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
};

test('products', async () => {
  const random = randomNumbers(1).matrix;
  const [input, weight, start, square] = [random(301, 530), random(299, 530), random(301, 299), random(530, 530)];
  await expectSameBits(async (pool) => {
    const kernels = linearAlgebra(pool);
    const [linear, few, multiply, gram] = [
      copyOf(start),
      { rows: 3, columns: 299, data: new Float32Array(897) },
      copyOf(input),
      copyOf(square),
    ];
    const three = { rows: 3, columns: 530, data: input.data.slice(0, 3 * 530) };
    const left = { rows: 301, columns: 299, data: start.data };
    await kernels.linear({ input, weight, output: linear, accumulate: true });
    await kernels.linear({ input: three, weight, output: few });
    await kernels.multiply({ left, right: weight, output: multiply, accumulate: true, negate: true });
    await kernels.gram({ input, output: gram });
    return [linear, few, multiply, gram];
  });
});

test('the inverse factor, the sweep, the descent and the error', async () => {
  const random = randomNumbers(2).matrix;
  const hessian = hessianOf(random(300, 400));
  const weight = random(333, 400);
  const scales = {
    groups: 1,
    scales: new Float32Array(333).fill(1 / 4),
    zeros: new Float32Array(333).fill(4),
    group: new Uint32Array(400),
  };
  const grid = { kind: 'integer', maxCode: 7 } as const;
  await expectSameBits(async (pool) => {
    const kernels = linearAlgebra(pool);
    const factor = copyOf(hessian);
    expect(await inverseFactor(pool, { hessian, output: factor })).toBe(0);
    const swept = copyOf(weight);
    const codes = new Uint8Array(333 * 400);
    const loss = new Float64Array(333);
    await kernels.sweep({ weight: swept, factor, from: 0, to: 400, blockSize: 128, grid, scales, codes, loss });
    const sweptCodes = codes.slice();
    await kernels.descend({ weight, hessian, grid, scales, quantized: swept, codes });
    const errors = await kernels.weightedError({ left: weight, right: swept, hessian });
    return [factor, swept, sweptCodes, codes, loss, errors];
  });
});
