import { createHash } from 'node:crypto';
import { encodeHalf } from '@compress/kernels';
import { describe, expect, it } from 'vitest';
import { GGML_TYPES } from '../ggml-types.ts';
import { BLOCK_DECODERS } from './block-decoders.ts';

const TYPES = new Map([...GGML_TYPES.values()].map((type) => [type.name, type]));

function decode(name: string, bytes: Uint8Array): Float32Array {
  const output = new Float32Array(TYPES.get(name)!.elements + 2).fill(7);
  // At an odd place, to show that nothing but the block is read and written.
  const shifted = Uint8Array.of(255, ...bytes, 255);
  BLOCK_DECODERS.get(name)!(shifted, 1, output, 1);
  expect([output[0], output.at(-1)]).toEqual([7, 7]);
  return output.slice(1, -1);
}

/**
 * Blocks p[i] = (73 i + 29) & 255 in which d is 0.5 and m or dmin 0.25, as ggml's C code decodes them: first values, last, sum, and the first
 * 16 digits of the sha256 of the f32. Places are of d and of m.
 */
it.each<[string, number[], number[], number, number, string]>([
  ['Q4_0', [0], [3.5, 0, -3.5, 1, -2.5, 2, -1.5, 3], 3.5, 1.5, '4d54b56e11144e79'],
  ['Q4_1', [0, 2], [0.75, 5.25, 1.75, 6.25, 2.75, 7.25, 3.75, 0.25], 4.25, 130.5, '7c0e7d06de64ea65'],
  ['Q5_0', [0], [1.5, 6, 2.5, 7, -4.5, 0, -3.5, 1], 0.5, -4.5, 'c647676960fcec71'],
  ['Q5_1', [0, 2], [10.75, 7.25, 3.75, 0.25, 4.75, 1.25, 13.75, 2.25], 5.25, 236.5, '24ccece2d7500862'],
  ['Q8_0', [0], [-40.5, -4, 32.5, -59, -22.5, 14, 50.5, -41], -61, -216, 'dbbebd13652527ac'],
  ['Q2_K', [80, 82], [6.25, 12.75, 19.25, -0.25, 6.25, 12.75, 19.25, -0.25], 2.5, 959, 'ba67b860d4a0b49f'],
  ['Q3_K', [108], [-1.5, 3, -4.5, 6, -1.5, 3, -4.5, 6], 0, 291.5, '37bc73da18bf9ab2'],
  ['Q4_K', [0, 2], [-2.75, -6.25, -1.75, -5.25, -8.75, -4.25, -7.75, -3.25], 22.5, 19500, '6a4eab98a85714be'],
  ['Q5_K', [0, 2], [5.25, -6.25, 6.25, -5.25, -0.75, -4.25, 0.25, -3.25], 26.5, 41652, '94be28e9b77af6a0'],
  ['Q6_K', [208], [52.5, -105, -542.5, 420, 262.5, -175, -332.5, 350], 90, 7266, '24f77da386b308a9'],
  ['IQ4_NL', [0], [56.5, 0.5, -52, 12.5, -32.5, 26.5, -17.5, 44.5], 56.5, 55, '29f71c562df2c569'],
  ['IQ4_XS', [0], [-297.5, 756.5, -85, -1079.5, 110.5, -705.5, 323, -416.5], 110.5, -9966, 'f7b4183e32ca80cd'],
  ['MXFP4', [], [2, -3, 0, 0.25, -0.5, 0.75, -1, 1.5], -0.5, -2, '8f156d7205fba15b'],
])('%s decodes as in ggml', (name, halves, first, last, sum, sha) => {
  const bytes = Uint8Array.from({ length: TYPES.get(name)!.bytes }, (_, i) => (73 * i + 29) & 255);
  for (const [i, place] of halves.entries()) {
    bytes.set(new Uint8Array(Uint16Array.of(encodeHalf(i === 0 ? 0.5 : 0.25, 'f16')).buffer), place);
  }
  if (name === 'MXFP4') bytes[0] = 126;
  const values = decode(name, bytes);
  expect([...values.subarray(0, 8)]).toEqual(first);
  expect(values.at(-1)).toBe(last);
  expect(values.reduce((total, value) => total + value, 0)).toBe(sum);
  expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 16)).toBe(sha);
});

/**
 * What ggml's C encoders make of x[i] = (((37 i + 11) mod 64) - 32) / 16, which lies in [-2, 31/16]; decoded, every number is within half a
 * step of x (`within`: half of d, or of the widest gap; a whole one at the end that the grid does not reach).
 */
it.each<[string, number, string]>([
  ['Q4_0', 0.25, '0034730c953fc851ea841da63fd962fb842e'],
  ['Q4_1', 0.1315, '113400c0730c952ec851ea731da63fc862fb841d'],
  ['Q5_0', 0.125, '00305aad546ae6083b5d80a2d5f72a4c7f91c4e6193b'],
  ['Q5_1', 0.0636, 'df2f00c05aad546ae6083b5d80a2d5f72a4c7f91c4e6193b'],
  ['Q8_0', 0.0081, '0824ad40d467fc9124b94be073089d30c457ec8114a93cd063f88d20b547dc6f0499'],
  ['IQ4_NL', 0.2, '1324620da42fc841eb731db52fd951fc831e'],
  ['MXFP4', 0.5, '7e9de41bd540bd520ce42ac640ad530cd5'],
])("%s decodes what ggml's encoder wrote", (name, within, hex) => {
  const values = decode(name, Uint8Array.from(Buffer.from(hex, 'hex')));
  for (const [i, value] of values.entries()) {
    expect(Math.abs(value - (((37 * i + 11) % 64) - 32) / 16), `element ${i}`).toBeLessThanOrEqual(within);
  }
});

describe('MXFP4', () => {
  it.each([
    [0, 2 ** -128],
    [1, 2 ** -127],
    [2, 2 ** -126],
    [255, 2 ** 127],
  ])('has the exponent of byte %i, small ones as subnormal numbers', (byte, least) => {
    const block = new Uint8Array(17).fill(0x11);
    block[0] = byte;
    expect(new Set(decode('MXFP4', block))).toEqual(new Set([least]));
  });
});
