import { FLOAT8_E4M3, type TensorSource } from '@compress/core';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats } from './checkpoint-of.test.fixture.ts';
import { fp8Blocks } from './fp8-blocks.ts';

const [out, columns] = [5, 7];
const bytes = Uint8Array.from({ length: out * columns }, (_, i) => (i * 37) % 256).map((byte) =>
  (byte & 0x7f) === 0x7f ? 0 : byte,
);
/** Blocks of 2 rows and 3 columns: the last of both are cut off. */
const scales = Float32Array.from({ length: 3 * 3 }, (_, i) => 1 / (i + 3));
const tensor = (name: string, dtype: TensorSource['dtype'], shape: number[], data: Uint8Array): TensorSource => ({
  name,
  dtype,
  shape,
  byteLength: data.byteLength,
  bytes: async () => data,
});
const layer = (fields: Partial<TensorSource> = {}) => [
  tensor('layer.weight', 'F8_E4M3', [out, columns], bytes),
  { ...tensor('layer.weight_scale_inv', 'F32', [3, 3], new Uint8Array(scales.buffer)), ...fields },
  tensor('head.weight', 'BF16', [1], new Uint8Array(2)),
];
const configuration = { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [2, 3], activation_scheme: 'dynamic' };

it('multiplies every block with its scale, whatever the name says', async () => {
  expect(fp8Blocks.recognizes(configuration)).toBe(true);
  const opened = await fp8Blocks.open(await checkpointOf(layer()), configuration);
  expect([...opened.tensors.keys()].sort()).toEqual(['head.weight', 'layer.weight']);
  const weight = await readFloats(opened, 'layer.weight');
  for (let r = 0; r < out; r++)
    for (let c = 0; c < columns; c++) {
      const scale = scales[Math.floor(r / 2) * 3 + Math.floor(c / 3)];
      expect(weight[r * columns + c]).toBe(Math.fround(FLOAT8_E4M3[bytes[r * columns + c]] * scale));
    }
});

describe('refuses', () => {
  it.each([
    [{ weight_block_size: null }, 'weight_block_size'],
    [{ weight_block_size: [128] }, 'weight_block_size'],
    [{ fmt: 'e5m2' }, 'e4m3'],
  ])('a configuration of %o', async (change, word) => {
    const checkpoint = await checkpointOf(layer());
    await expect(fp8Blocks.open(checkpoint, { ...configuration, ...change })).rejects.toMatchObject({
      code: 'quantization-config',
      message: expect.stringContaining(word),
    });
  });

  it.each([
    ['scales of another shape', layer({ shape: [1, 9] })],
    ['scales of another dtype', layer({ dtype: 'I32' })],
    ['no codes', layer().slice(1)],
  ])('%s', async (_, tensors) => {
    const checkpoint = await checkpointOf(tensors);
    await expect(fp8Blocks.open(checkpoint, configuration)).rejects.toMatchObject({ code: 'fp8-parts' });
  });
});
