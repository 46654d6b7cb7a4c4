import { packBits } from './bit-stream.ts';

/** Codes `[rows, columns]` of `bits` bits, each row a bit stream of its own that ends with a whole 32-bit word. */
export function packRows(codes: Uint8Array, rows: number, columns: number, bits: number): Uint8Array {
  const rowWords = Math.ceil((columns * bits) / 32);
  const words = new Uint32Array(rows * rowWords);
  for (let r = 0; r < rows; r++)
    packBits({ values: codes, offset: r * columns, stride: 1, count: columns }, bits, {
      words,
      offset: r * rowWords,
      stride: 1,
    });
  return new Uint8Array(words.buffer);
}
