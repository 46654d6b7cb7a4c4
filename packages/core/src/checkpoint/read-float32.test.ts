import { createReferenceKernels } from '@compress/kernels';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, Range } from './checkpoint.ts';
import type { Dtype } from './dtype.ts';
import { FLOAT8_E4M3, FLOAT8_E5M2 } from './float8.ts';
import { readFloat32 } from './read-float32.ts';

const kernels = createReferenceKernels();

/** One tensor `x`; `ranges` collects what is asked of it. */
function checkpointOf(dtype: Dtype, shape: number[], bytes: Uint8Array, ranges: Range[] = []): Checkpoint {
  return {
    tensors: new Map([['x', { name: 'x', dtype, shape, byteLength: bytes.byteLength }]]),
    location: 'memory',
    files: [],
    async read(_, range = { start: 0, end: bytes.byteLength }) {
      ranges.push(range);
      return bytes.slice(range.start, range.end);
    },
    async close() {},
  };
}

const VALUES = [1, -2.5, 0.15625, 448];

/** The same four numbers in every dtype that is read, little-endian. */
it.each<[Dtype, Uint8Array]>([
  ['F64', new Uint8Array(Float64Array.from(VALUES).buffer)],
  ['F32', new Uint8Array(Float32Array.from(VALUES).buffer)],
  ['F16', new Uint8Array(Uint16Array.of(0x3c00, 0xc100, 0x3100, 0x5f00).buffer)],
  ['BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc020, 0x3e20, 0x43e0).buffer)],
  ['F8_E4M3', Uint8Array.of(0x38, 0xc2, 0x22, 0x7e)],
  ['F8_E5M2', Uint8Array.of(0x3c, 0xc1, 0x31, 0x5f)],
])('reads %s, whole and by range of elements', async (dtype, bytes) => {
  const checkpoint = checkpointOf(dtype, [2, 2], bytes);
  expect([...(await readFloat32(checkpoint, 'x', kernels))]).toEqual(VALUES);
  expect([...(await readFloat32(checkpoint, 'x', kernels, { start: 1, end: 3 }))]).toEqual(VALUES.slice(1, 3));
  expect(await readFloat32(checkpoint, 'x', kernels, { start: 2, end: 2 })).toHaveLength(0);
});

it('reads a large tensor in pieces', async () => {
  const ranges: Range[] = [];
  const elements = 5_000_000;
  const bytes = new Uint8Array(8 * elements);
  new DataView(bytes.buffer).setFloat64(8 * (elements - 1), 7, true);
  const values = await readFloat32(checkpointOf('F64', [elements], bytes, ranges), 'x', kernels);
  expect(values).toHaveLength(elements);
  expect(values[elements - 1]).toBe(7);
  expect(ranges.length).toBeGreaterThan(2);
  expect(Math.max(...ranges.map(({ start, end }) => end - start))).toBeLessThanOrEqual(16 << 20);
});

it('reads scalars and empty tensors', async () => {
  expect([...(await readFloat32(checkpointOf('F32', [], new Uint8Array(4)), 'x', kernels))]).toEqual([0]);
  expect(await readFloat32(checkpointOf('F32', [0, 3], new Uint8Array()), 'x', kernels)).toHaveLength(0);
});

it.each<Dtype>(['I32', 'U8', 'BOOL', 'F8_E8M0', 'F4', 'C64'])('refuses %s', async (dtype) => {
  const reading = readFloat32(checkpointOf(dtype, [0], new Uint8Array()), 'x', kernels);
  await expect(reading).rejects.toMatchObject({ code: 'dtype-not-float' });
});

it('refuses a missing tensor and a range outside', async () => {
  const checkpoint = checkpointOf('F32', [2], new Uint8Array(8));
  await expect(readFloat32(checkpoint, 'y', kernels)).rejects.toMatchObject({ code: 'tensor-missing' });
  const outside = readFloat32(checkpoint, 'x', kernels, { start: 0, end: 3 });
  await expect(outside).rejects.toMatchObject({ code: 'range-invalid' });
});

describe('the 8-bit tables', () => {
  it('have the extremes that their specification names', () => {
    expect([FLOAT8_E4M3[0x7e], FLOAT8_E4M3[0xfe], FLOAT8_E4M3[1], FLOAT8_E4M3[8]]).toEqual([
      448,
      -448,
      2 ** -9,
      2 ** -6,
    ]);
    expect([FLOAT8_E5M2[0x7b], FLOAT8_E5M2[0xfc], FLOAT8_E5M2[1], FLOAT8_E5M2[4]]).toEqual([
      57344,
      Number.NEGATIVE_INFINITY,
      2 ** -16,
      2 ** -14,
    ]);
    expect(Object.is(FLOAT8_E4M3[0x80], -0)).toBe(true);
    expect([...FLOAT8_E4M3.keys()].filter((code) => Number.isNaN(FLOAT8_E4M3[code]))).toEqual([0x7f, 0xff]);
    expect([...FLOAT8_E5M2.keys()].filter((code) => Number.isNaN(FLOAT8_E5M2[code]))).toEqual([
      0x7d, 0x7e, 0x7f, 0xfd, 0xfe, 0xff,
    ]);
  });

  it('E5M2 is the upper byte of f16', () => {
    // f16 by its definition, in float64.
    for (let code = 0; code < 0x7c; code++) {
      const half = code << 8;
      const exponent = half >> 10;
      const fraction = (half & 0x3ff) / 1024;
      expect(FLOAT8_E5M2[code]).toBe(exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
    }
  });
});
