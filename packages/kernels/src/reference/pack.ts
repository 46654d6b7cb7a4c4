import { checkPacking, packedRowBytes } from '../check-shapes/check-bytes.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** Codes of `bits` each, LSB first, as one little-endian bit stream a row, each row padded with zeros to whole 32-bit words. */
export function pack({ codes, rows, columns, bits, output }: ParametersOf<'pack'>): void {
  checkPacking(codes, output, 'output', rows, columns, bits);
  const rowBytes = packedRowBytes(columns, bits);
  output.fill(0);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const position = c * bits;
      const at = r * rowBytes + (position >>> 3);
      const shifted = (codes[r * columns + c] & ((1 << bits) - 1)) << (position & 7);
      output[at] |= shifted;
      if (shifted > 0xff) output[at + 1] |= shifted >>> 8;
    }
  }
}

export function unpack({ bytes, rows, columns, bits, codes }: ParametersOf<'unpack'>): void {
  checkPacking(codes, bytes, 'bytes', rows, columns, bits);
  const rowBytes = packedRowBytes(columns, bits);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const position = c * bits;
      const at = r * rowBytes + (position >>> 3);
      const pair = bytes[at] | ((position & 7) + bits > 8 ? bytes[at + 1] << 8 : 0);
      codes[r * columns + c] = (pair >>> (position & 7)) & ((1 << bits) - 1);
    }
  }
}
