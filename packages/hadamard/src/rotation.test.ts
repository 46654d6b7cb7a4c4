import { hadamardMatrix, randomStream } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { fastHadamard } from './fast-hadamard.ts';
import { rotateOutputs, rotateRows } from './fold.ts';
import { hadamardKind, hadamardRotation, largestOrder, orthogonalRotation, type Rotation } from './rotation.ts';

const random = randomStream('rotation test');
const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());

/** Q, column by column. */
function dense({ size, rotate }: Rotation): Float64Array[] {
  return Array.from({ length: size }, (_, c) => {
    const column = new Float64Array(size);
    column[c] = 1;
    rotate(column);
    return column;
  });
}

function expectOrthogonal(rotation: Rotation): void {
  const columns = dense(rotation);
  for (const [i, a] of columns.entries())
    for (const [j, b] of columns.slice(0, i + 1).entries()) {
      const product = a.reduce((sum, value, k) => sum + value * b[k], 0);
      if (Math.abs(product - (i === j ? 1 : 0)) > 1e-13) expect.fail(`columns ${i} and ${j}: ${product}`);
    }
}

test('the fast transform is the product with the matrix, run by run', () => {
  for (const order of [1, 2, 8, 12, 20, 36, 56, 64, 144, 172]) {
    const matrix = hadamardMatrix(order)!;
    const values = normals(2 * order);
    const expected = values.map((_, at) => {
      const [start, row] = [at - (at % order), at % order];
      let sum = 0;
      for (let c = 0; c < order; c++) sum += matrix.data[row * order + c] * values[start + c];
      return sum / Math.sqrt(order);
    });
    fastHadamard(values, order);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i], 12);
  }
  expect(() => fastHadamard(new Float64Array(6), 6)).toThrow('order 6');
});

test('it is the transform of the kernels, which the forward pass has', async () => {
  const kernels = createReferenceKernels();
  const input = { rows: 3, columns: 56, data: Float32Array.from(normals(3 * 56)) };
  const output = kernels.matrix(3, 56);
  await kernels.hadamard({ input, size: 56, factor: hadamardMatrix(28)!, output });
  const values = Float64Array.from(input.data);
  fastHadamard(values, 56);
  for (const [i, value] of output.data.entries()) expect(value).toBeCloseTo(values[i], 6);
});

test('orders: the whole width, blocks of the largest that divides it, or a random orthogonal matrix', () => {
  const cases = [1, 64, 576, 2880, 13696, 188, 47 * 64, 30, 47 * 8].map((size) => [
    size,
    largestOrder(size),
    hadamardKind(size),
  ]);
  expect(cases).toEqual([
    [1, 1, 'hadamard'],
    [64, 64, 'hadamard'],
    [576, 576, 'hadamard'],
    [2880, 2880, 'hadamard'],
    [13696, 13696, 'hadamard'],
    [188, 4, 'orthogonal'],
    [3008, 3008, 'hadamard'],
    [30, 2, 'orthogonal'],
    [376, 8, 'orthogonal'],
  ]);
});

test('every rotation is orthogonal, and another seed gives another', () => {
  for (const size of [1, 8, 36, 64, 188, 30])
    for (const rotation of [hadamardRotation(size), hadamardRotation(size, 3), orthogonalRotation(size, 3)])
      expectOrthogonal(rotation);
  expect(dense(hadamardRotation(36, 1))).toEqual(dense(hadamardRotation(36, 1)));
  expect(dense(hadamardRotation(36, 1))).not.toEqual(dense(hadamardRotation(36, 2)));
  expect(dense(orthogonalRotation(36, 1))).not.toEqual(dense(orthogonalRotation(36, 2)));
});

test('a Hadamard rotation spreads one channel evenly over all', () => {
  const vector = new Float64Array(576);
  vector[100] = 24;
  hadamardRotation(576, 5).rotate(vector);
  expect(vector.every((value) => Math.abs(Math.abs(value) - 1) < 1e-12)).toBe(true);
});

test('what a rotation folds into: (W D Q^T)(Q x) = W D x, and outputs become Q y', () => {
  const [rows, columns] = [7, 12];
  const rotation = hadamardRotation(columns, 1);
  const gain = normals(columns);
  const x = normals(columns);
  const weight = { rows, columns, data: Float32Array.from(normals(rows * columns)) };
  const product = (data: Float32Array, input: Float64Array) =>
    Float64Array.from({ length: data.length / input.length }, (_, r) =>
      input.reduce((sum, value, c) => sum + data[r * input.length + c] * value, 0),
    );
  const expected = product(
    weight.data,
    x.map((value, c) => value * gain[c]),
  );
  const turned = x.slice();
  rotation.rotate(turned);
  const folded = { ...weight, data: weight.data.slice() };
  rotateRows(folded, rotation, gain);
  for (const [r, value] of product(folded.data, turned).entries()) expect(value).toBeCloseTo(expected[r], 5);

  const writer = { rows: columns, columns: rows, data: Float32Array.from(normals(rows * columns)) };
  const bias = Float32Array.from(normals(columns));
  const inner = normals(rows);
  const output = product(writer.data, inner).map((value, i) => value + bias[i]);
  rotation.rotate(output);
  const rotated = { weight: { ...writer, data: writer.data.slice() }, bias: bias.slice() };
  rotateOutputs(rotated, rotation);
  const written = product(rotated.weight.data, inner);
  for (const [i, value] of output.entries()) expect(written[i] + rotated.bias[i]).toBeCloseTo(value, 5);
});
