import { type Grid, integerGrid } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, it } from 'vitest';
import { wholeBytes } from './checkpoint-of.test.fixture.ts';
import { dense } from './dense.ts';
import { exactValue, linearSpec, quantizedWeight } from './quantized.test.fixture.ts';

const kernels = createReferenceKernels();
const grid = integerGrid({ bits: 3, symmetric: false });
const quantized = quantizedWeight({ rows: 5, groups: 3, groupSize: 7, grid, seed: 5 });

it('writes [out, in] in f32 as the grid has it', async () => {
  const [source] = dense.write({ spec: linearSpec(5, 21), quantized }, 'F32', kernels);
  expect(source).toMatchObject({ name: 'layer.weight', dtype: 'F32', shape: [5, 21], byteLength: 420 });
  const values = new Float32Array((await wholeBytes(source)).slice().buffer);
  for (let r = 0; r < 5; r++) for (let c = 0; c < 21; c++) expect(values[r * 21 + c]).toBe(exactValue(quantized, r, c));
});

it('writes a transposed Linear back as [in, out]', async () => {
  const [source] = dense.write({ spec: linearSpec(5, 21, true), quantized }, 'F32', kernels);
  expect(source.shape).toEqual([21, 5]);
  const values = new Float32Array((await wholeBytes(source)).slice().buffer);
  for (let r = 0; r < 5; r++) for (let c = 0; c < 21; c++) expect(values[c * 5 + r]).toBe(exactValue(quantized, r, c));
});

it.each([
  ['F16', [0x3c00, 0x4000, 0x4200]],
  ['BF16', [0x3f80, 0x4000, 0x4040]],
] as const)('writes %s', async (dtype, expected) => {
  const scales = { groups: 1, scales: Float32Array.of(1), zeros: Float32Array.of(0), group: new Uint32Array(3) };
  const weight = { rows: 1, columns: 3, grid, groupSize: 3, codes: Uint8Array.of(1, 2, 3), scales };
  const [source] = dense.write({ spec: linearSpec(1, 3), quantized: weight }, dtype, kernels);
  expect([...new Uint16Array((await wholeBytes(source)).slice().buffer)]).toEqual(expected);
  expect(dense.size(linearSpec(1, 3), grid, 3, dtype)).toBe(6);
});

it('writes table grids', async () => {
  const table: Grid = {
    ...grid,
    name: 'pair',
    bits: 2,
    codes: { kind: 'table', levels: Float32Array.of(-1, 0, 0.25) },
  };
  const scales = { groups: 1, scales: Float32Array.of(2), zeros: Float32Array.of(0), group: new Uint32Array(3) };
  const weight = { rows: 1, columns: 3, grid: table, groupSize: 3, codes: Uint8Array.of(2, 0, 1), scales };
  const [source] = dense.write({ spec: linearSpec(1, 3), quantized: weight }, 'F32', kernels);
  expect([...new Float32Array((await wholeBytes(source)).slice().buffer)]).toEqual([0.5, -2, 0]);
});

it('does not write a weight beyond f16', async () => {
  const scales = { groups: 1, scales: Float32Array.of(40000), zeros: Float32Array.of(0), group: new Uint32Array(2) };
  const weight = { rows: 1, columns: 2, grid, groupSize: 2, codes: Uint8Array.of(1, 2), scales };
  const [source] = dense.write({ spec: linearSpec(1, 2), quantized: weight }, 'F16', kernels);
  await expect(wholeBytes(source)).rejects.toMatchObject({ code: 'not-representable' });
});

it('has no configuration and holds everything', () => {
  expect(dense.configuration({ grid, groupSize: 7, quantized: ['layer'], untouched: [] })).toBeUndefined();
  expect(dense.limit(linearSpec(5, 21), grid, 7)).toBeUndefined();
});
