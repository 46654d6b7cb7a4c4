import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { packedRowBytes } from '../check-shapes/check-bytes.ts';
import { openFronts } from '../testing/fronts.ts';
import { randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

describe.each([...fronts.modes, ['reference', fronts.reference]] as const)('%s', (_mode, kernels) => {
  test('a row is the number sum code * 2^(bits * column), little-endian, and comes back', async () => {
    const side = fc.integer({ min: 0, max: 41 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer({ min: 1, max: 8 }), fc.integer(), async (rows, columns, bits, seed) => {
        const codes = randomNumbers(seed).codes(rows * columns, 2 ** bits);
        const rowBytes = packedRowBytes(columns, bits);
        const output = new Uint8Array(rows * rowBytes).fill(0xaa);
        await kernels.pack({ codes, rows, columns, bits, output });
        for (let r = 0; r < rows; r++) {
          let expected = 0n;
          for (let c = columns - 1; c >= 0; c--) expected = (expected << BigInt(bits)) | BigInt(codes[r * columns + c]);
          let actual = 0n;
          for (let i = rowBytes - 1; i >= 0; i--) actual = (actual << 8n) | BigInt(output[r * rowBytes + i]);
          expect(actual).toBe(expected);
        }
        const back = new Uint8Array(codes.length);
        await kernels.unpack({ bytes: output, rows, columns, bits, codes: back });
        expect(back).toEqual(codes);
      }),
      { numRuns: 150 },
    );
  });
});

test('every number of threads gives the same bits, and rows longer than a window', async () => {
  const codes = randomNumbers(1).codes(3 * 400003, 8);
  const rowBytes = packedRowBytes(400003, 3);
  await fronts.expectSameBits(async (kernels) => {
    const output = new Uint8Array(3 * rowBytes);
    const back = new Uint8Array(codes.length);
    await kernels.pack({ codes, rows: 3, columns: 400003, bits: 3, output });
    await kernels.unpack({ bytes: output, rows: 3, columns: 400003, bits: 3, codes: back });
    expect(Buffer.compare(back, codes)).toBe(0);
    return [output];
  });
});
