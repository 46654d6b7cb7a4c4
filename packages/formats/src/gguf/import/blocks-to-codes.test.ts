import { integerGrid, type QuantizedWeight } from '@compress/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exactValue, quantizedWeight } from '../../quantized.test.fixture.ts';
import { BLOCK_DECODERS } from '../decode/block-decoders.ts';
import { encodeBlocks } from '../encode/encode-blocks.ts';
import { codesToBlocks } from '../export/codes-to-blocks.ts';
import { ggmlType } from '../ggml-types.ts';
import { blocksToCodes } from './blocks-to-codes.ts';

const place = { file: 'model.gguf', tensor: 'w' };
const read = (blocks: Uint8Array, type: string, rows: number, columns: number, headRows?: number) =>
  blocksToCodes({ blocks, type, rows, columns, headRows, place });

/** What the decoder of the type, which is ggml's to the last bit, makes of blocks. */
function decoded(blocks: Uint8Array, type: string): Float32Array {
  const { bytes, elements } = ggmlType(type);
  const values = new Float32Array((blocks.length / bytes) * elements);
  for (let i = 0; i * bytes < blocks.length; i++) BLOCK_DECODERS.get(type)!(blocks, i * bytes, values, i * elements);
  return values;
}

function values(weight: QuantizedWeight): number[] {
  return Array.from(weight.codes, (_, i) => exactValue(weight, Math.floor(i / weight.columns), i % weight.columns));
}

it.each([
  [3, true, 'Q4_0'],
  [4, true, 'Q4_0'],
  [5, true, 'Q5_0'],
  [8, true, 'Q8_0'],
  [2, false, 'Q4_1'],
  [4, false, 'Q4_1'],
  [5, false, 'Q5_1'],
])('codes of %i bits, symmetric: %s, come back from %s with their scales and zero points', (bits, symmetric, type) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 3 }), fc.boolean(), (seed, groups, heads) => {
      const grid = integerGrid({ bits, symmetric });
      const weight = quantizedWeight({ rows: 8, groups, groupSize: 32, grid, seed });
      const headRows = heads ? 4 : undefined;
      const blocks = codesToBlocks(weight, type, headRows, { minimum: 0 });
      const again = read(blocks, type, 8, weight.columns, headRows);
      expect(again.scales.scales).toEqual(weight.scales.scales);
      // The type's own middle may be another than that of fewer bits.
      const shift = symmetric ? 2 ** (again.grid.bits - 1) - 2 ** (bits - 1) : 0;
      expect(again.scales.zeros).toEqual(weight.scales.zeros.map((zero) => zero + shift));
      expect(again.codes).toEqual(weight.codes.map((code) => code + shift));
    }),
    { numRuns: 25 },
  );
});

it('reads what ggml makes of floats with one scale a block and codes of 8 bits, and of zeros', () => {
  const floats = Float32Array.from({ length: 4 * 64 }, (_, i) => (i < 32 ? 0 : Math.sin(i * i)));
  const blocks = encodeBlocks('Q8_0', floats, 64);
  const weight = read(blocks, 'Q8_0', 4, 64);
  expect(values(weight)).toEqual([...decoded(blocks, 'Q8_0')]);
  expect(weight.scales.scales[0]).toBe(1);
});

it.each([
  ['Q4_0', /scale -0\.\d+, which no scale and zero point of int4 make/],
  ['Q4_1', /scale 0\.\d+ and the minimum -\S+, which no scale and zero point of int4-asym make/],
  ['Q5_1', /int5-asym make: take the model as floats/],
])("refuses scales and minima of %s that are no other format's", (type, message) => {
  const blocks = encodeBlocks(
    type,
    Float32Array.from({ length: 128 }, (_, i) => Math.cos(i)),
    64,
  );
  expect(() => read(blocks, type, 2, 64)).toThrow(message);
  expect(() => read(blocks, type, 2, 64)).toThrow(expect.objectContaining({ code: 'not-representable', place }));
});
