import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { factorizeGram } from './factorize-gram.ts';
import { gatherColumns, scatterColumns } from './permute-columns.ts';

const kernels = createReferenceKernels();
const square = (...data: number[]) => {
  const size = Math.sqrt(data.length);
  return { rows: size, columns: size, data: Float32Array.from(data) };
};

test('the factor of a worked example', async () => {
  const gram = square(44, -24, 16, 14, -24, 50, 14, 24, 16, 14, 30, 30, 14, 24, 30, 60);
  const { factor, added } = await factorizeGram({ gram, strongestFirst: false, damping: 0.01, kernels });
  const expected = [
    [0.281040783, 0.2127433, -0.191936618, -0.054288978],
    [0, 0.156840374, -0.021060591, -0.051808654],
    [0, 0, 0.253395076, -0.125733581],
    [0, 0, 0, 0.128607391],
  ].flat();
  for (const [i, value] of expected.entries()) expect(factor.data[i]).toBeCloseTo(value, 6);
  expect([...added]).toEqual([0.46, 0.46, 0.46, 0.46]);
});

test('equal strengths are taken by index', async () => {
  const gram = square(...[0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((j) => (i === j ? [2, 5, 2, 5][i] : 1))));
  const { permutation } = await factorizeGram({ gram, strongestFirst: true, damping: 0.01, kernels });
  expect([...permutation]).toEqual([1, 3, 0, 2]);
});

test('columns that were always 0 get the mean of the others, and are said', async () => {
  const gram = square(4, 0, 1, 0, 0, 0, 1, 0, 2);
  const { added, deadColumns, warnings } = await factorizeGram({ gram, strongestFirst: false, damping: 0, kernels });
  expect([...added]).toEqual([0, 3, 0]);
  expect(deadColumns).toEqual([1]);
  expect(warnings).toEqual([{ code: 'dead-columns', message: expect.stringMatching(/^1 of 3 input channels/) }]);
});

test('damping is doubled until the Hessian is positive, and each time said', async () => {
  const indefinite = square(1, 1.03, 1.03, 1);
  const { damping, warnings } = await factorizeGram({
    gram: indefinite,
    strongestFirst: false,
    damping: 0.01,
    kernels,
  });
  expect(damping).toBe(0.04);
  expect(warnings.map(({ code }) => code)).toEqual(['damping-raised', 'damping-raised']);
  expect(warnings[1].message).toContain('raised to 0.04.');
  const singular = square(1, 1, 1, 1);
  expect((await factorizeGram({ gram: singular, strongestFirst: false, damping: 0, kernels })).damping).toBe(0.0025);
});

test('damping has an end, which is an error', async () => {
  const request = { gram: square(1, 9, 9, 1), strongestFirst: false, damping: 0.01, layer: 'site', kernels };
  await expect(factorizeGram(request)).rejects.toMatchObject({
    code: 'gram-not-positive',
    message: expect.stringMatching(/^site: .*damping 1;/),
  });
});

test('scattering columns undoes gathering them', () => {
  const order = Uint32Array.of(2, 0, 1);
  const source = Float32Array.of(1, 2, 3, 4, 5, 6);
  const gathered = gatherColumns(source, order, new Float32Array(6));
  expect([...gathered]).toEqual([3, 1, 2, 6, 4, 5]);
  expect(scatterColumns(gathered, order, new Float32Array(6))).toEqual(source);
});
