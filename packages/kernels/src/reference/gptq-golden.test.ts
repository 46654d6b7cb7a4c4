import { expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.ts';
import { createReferenceKernels } from './create-reference-kernels.ts';

// A 2 x 4 layer worked out in f64 apart from this code: Hessian 2 X^T X of six tokens, damping 0.01 of the mean diagonal, 2 bits.
const W = [-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4];
const X = [-2, 3, 1, 2, -2, 2, -2, -2, 1, 3, 3, 3, 0, 1, 0, 3, 3, -1, 1, 0, 2, -1, 0, 2];
const U = [
  0.281040783, 0.2127433, -0.191936618, -0.054288978, 0, 0.156840374, -0.021060591, -0.051808654, 0, 0, 0.253395076,
  -0.125733581, 0, 0, 0, 0.128607391,
];

const kernels = createReferenceKernels();
const matrix = (rows: number, columns: number, data: number[]) => ({ rows, columns, data: Float32Array.from(data) });
const grid = { kind: 'integer', maxCode: 3 } as const;
const scales = {
  groups: 1,
  scales: Float32Array.of(0.8, 2 / 3),
  zeros: Float32Array.of(2, 1),
  group: new Uint32Array(4),
};

async function dampedHessian() {
  const hessian = matrix(4, 4, Array(16).fill(0));
  await kernels.gram({ input: matrix(6, 4, X), output: hessian });
  await kernels.symmetrize(hessian);
  for (let i = 0; i < 16; i++) hessian.data[i] = 2 * hessian.data[i] + (i % 5 === 0 ? 0.46 : 0);
  return hessian;
}

test('inverseFactor, sweep and weightedError reproduce GPTQ on a worked example', async () => {
  const hessian = await dampedHessian();
  const factor = matrix(4, 4, Array(16).fill(0));
  expect(await kernels.inverseFactor({ hessian, output: factor })).toBe(0);
  expectClose(factor.data, U, 1e-5, 0.01);
  const weight = matrix(2, 4, W);
  const codes = new Uint8Array(8);
  const loss = new Float64Array(2);
  await kernels.sweep({ weight, factor, from: 0, to: 4, blockSize: 2, grid, scales, codes, loss });
  expect([...codes]).toEqual([1, 3, 1, 2, 0, 3, 1, 1]);
  expectClose(loss, [4.1624, 5.073866667], 1e-5);
  expectClose(
    await kernels.weightedError({ left: matrix(2, 4, W), right: weight, hessian }),
    [4.1624, 5.073866667],
    1e-5,
  );
});

test('quantize and descend: round to nearest, and a way down from there', async () => {
  const hessian = await dampedHessian();
  const weight = matrix(2, 4, W);
  const codes = new Uint8Array(8);
  const quantized = matrix(2, 4, W);
  await kernels.quantize({ weight, grid, scales, codes });
  expect([...codes]).toEqual([1, 3, 0, 2, 0, 3, 1, 0]);
  await kernels.dequantize({ codes, grid, scales, output: quantized });
  const before = await kernels.weightedError({ left: weight, right: quantized, hessian });
  expectClose(before, [8.8888, 11.077422222], 1e-5);
  await kernels.descend({ weight, hessian, grid, scales, quantized, codes });
  const after = await kernels.weightedError({ left: weight, right: quantized, hessian });
  expect(after[0]).toBeLessThan(before[0]);
  expect(after[1]).toBeLessThan(before[1]);
  expect(after[0]).toBeGreaterThanOrEqual(4.1624 - 1e-4);
  expect(after[1]).toBeGreaterThanOrEqual(3.1592 - 1e-4);
});
