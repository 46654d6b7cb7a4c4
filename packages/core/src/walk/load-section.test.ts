import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Dtype } from '../checkpoint/dtype.ts';
import type { LinearSpec } from '../model/model.ts';
import { loadLinear, loadTensor, turn } from './load-section.ts';
import { memoryCheckpoint } from './overlay-checkpoint.ts';

const kernels = createReferenceKernels();
const spec: LinearSpec = { name: 'l', weight: 'w', bias: 'b', outFeatures: 2, inFeatures: 3, transposed: false };

function tensor(name: string, shape: number[], values: number[], dtype: Dtype = 'F32', decoded = false) {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dtype, shape, byteLength: data.byteLength, data, decoded };
}
const bias = tensor('b', [2], [7, 8]);
const load = (weight: ReturnType<typeof tensor>, transposed: boolean) =>
  loadLinear(memoryCheckpoint([weight, bias], 'here'), { ...spec, transposed }, kernels);

test('a Linear lies [out, in], however it is stored', async () => {
  const expected = { rows: 2, columns: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const plain = tensor('w', [2, 3], [1, 2, 3, 4, 5, 6]);
  expect(await load(plain, false)).toEqual({ weight: expected, bias: Float32Array.of(7, 8) });
  expect((await load(tensor('w', [3, 2], [1, 4, 2, 5, 3, 6]), true)).weight).toEqual(expected);
  expect((await load({ ...plain, decoded: true }, true)).weight).toEqual(expected);
});

test('turning twice changes nothing, and (r, c) goes to (c, r)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 70 }), (rows, columns) => {
      const matrix = { rows, columns, data: Float32Array.from({ length: rows * columns }, (_, i) => i) };
      const turned = turn(matrix, kernels);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) expect(turned.data[c * rows + r]).toBe(matrix.data[r * columns + c]);
      expect(turn(turned, kernels)).toEqual(matrix);
    }),
    { numRuns: 20 },
  );
});

test('what is wrong with a tensor is named', async () => {
  const here = memoryCheckpoint([tensor('nan', [2], [1, Number.NaN]), tensor('int', [2], [1, 2], 'I32')], 'here');
  await expect(loadTensor(here, 'gone', kernels)).rejects.toMatchObject({
    code: 'tensor-missing',
    place: { tensor: 'gone' },
  });
  await expect(loadTensor(here, 'nan', kernels)).rejects.toThrow('here: nan: Element 1 is NaN');
  await expect(loadTensor(here, 'int', kernels)).rejects.toMatchObject({ code: 'dtype-not-float' });
  await expect(load(tensor('w', [3, 2], [1, 2, 3, 4, 5, 6]), false)).rejects.toMatchObject({ code: 'tensor-shape' });
});
