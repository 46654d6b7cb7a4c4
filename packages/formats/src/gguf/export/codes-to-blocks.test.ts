import { type CodedWeight, integerGrid } from '@compress/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exactValue, quantizedWeight } from '../../quantized.test.fixture.ts';
import { BLOCK_DECODERS } from '../decode/block-decoders.ts';
import { ggmlType } from '../ggml-types.ts';
import { codesToBlocks, codesType } from './codes-to-blocks.ts';

const coded = (bits: number, symmetric: boolean, groupSize: number, reordered = false): CodedWeight => ({
  grid: integerGrid({ bits, symmetric }),
  groupSize,
  reordered,
  read: () => Promise.reject(new Error('not read')),
});

it.each([
  [2, true, 'Q4_0'],
  [3, true, 'Q4_0'],
  [4, true, 'Q4_0'],
  [5, true, 'Q5_0'],
  [6, true, 'Q8_0'],
  [8, true, 'Q8_0'],
  [2, false, 'Q4_1'],
  [4, false, 'Q4_1'],
  [5, false, 'Q5_1'],
])('%i bits, symmetric: %s, go into %s with all values as they were', (bits, symmetric, type) => {
  expect(codesType(coded(bits, symmetric, 64), 128)).toEqual({ type });
  const { elements, bytes } = ggmlType(type);
  const sizes = fc.record({
    rows: fc.constantFrom(4, 8),
    groups: fc.integer({ min: 1, max: 3 }),
    size: fc.constantFrom(32, 64, 96),
  });
  fc.assert(
    fc.property(sizes, fc.nat(), fc.boolean(), ({ rows, groups, size }, seed, heads) => {
      const grid = integerGrid({ bits, symmetric });
      const weight = quantizedWeight({ rows, groups, groupSize: size, grid, seed });
      const loss = { minimum: 0 };
      const blocks = codesToBlocks(weight, type, heads ? 4 : undefined, loss);
      const values = new Float32Array(rows * weight.columns);
      for (let i = 0; i * bytes < blocks.length; i++)
        BLOCK_DECODERS.get(type)!(blocks, i * bytes, values, i * elements);
      for (let row = 0; row < rows; row++) {
        // Rows 0 1 2 3 of a head of 4 are 0 2 1 3 of Hugging Face.
        const from = heads ? row - (row % 4) + [0, 2, 1, 3][row % 4] : row;
        for (let c = 0; c < weight.columns; c++) {
          const want = exactValue(weight, from, c);
          const got = values[row * weight.columns + c];
          const scale = weight.scales.scales[from * groups + Math.floor(c / size)];
          if (symmetric) expect(got).toBe(want);
          // The rest is the rounding of f32.
          else expect(Math.abs(got - want)).toBeLessThanOrEqual((loss.minimum + 1e-5) * scale);
        }
      }
      expect(loss.minimum).toBeLessThanOrEqual(symmetric ? 0 : (2 ** bits - 1) * 2 ** -11);
    }),
    { numRuns: 25 },
  );
});

it('says why codes have no place', () => {
  const why = (weight: CodedWeight, columns = 128) => expect(codesType(weight, columns));
  why(coded(8, false, 64)).toEqual({ why: 'no type has zero points with 8 bits' });
  why(coded(4, true, 16)).toEqual({ why: 'its groups of 16 are no multiple of 32' });
  why(coded(4, true, 1000), 48).toEqual({ why: 'its groups of 48 are no multiple of 32' });
  why(coded(4, true, 64, true)).toEqual({ why: 'its groups do not follow the columns (act-order)' });
});

it('refuses scales that f16 does not hold', () => {
  const weight = quantizedWeight({ rows: 1, groups: 1, groupSize: 32, grid: integerGrid({ bits: 4 }), seed: 1 });
  const scales = { ...weight.scales, scales: Float32Array.of(1 / 3) };
  const placing = () => codesToBlocks({ ...weight, scales }, 'Q4_0', undefined, { minimum: 0 });
  expect(placing).toThrow(expect.objectContaining({ code: 'not-representable' }));
});
