import { type BlockDecoder, halfAt } from './block-decoder.ts';

/** 256 numbers (digit - 1) d: 64 bytes of 2-bit digits in the order of Q2_K's codes, f16 d. */
export const decodeTq2: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at + 64);
  for (let i = 0; i < 256; i++) {
    output[to + i] = (((bytes[at + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3) - 1) * d;
  }
};

/** 256 numbers (digit - 1) d: 48 bytes of five digits of base 3 each, 4 bytes of four, f16 d. */
export const decodeTq1: BlockDecoder = (bytes, at, output, to) => {
  const d = halfAt(bytes, at + 52);
  for (let byte = 0; byte < 52; byte++) {
    // A byte is a fraction in 256ths; each digit is what comes before its point when it is multiplied by 3.
    for (let n = 0, rest = bytes[at + byte]; n < tq1Digits(byte); n++) {
      output[to + tq1Place(byte, n)] = (((rest * 3) >> 8) - 1) * d;
      rest = (rest * 3) & 255;
    }
  }
};

/** How many numbers a byte of TQ1_0 holds. */
export function tq1Digits(byte: number): number {
  return byte < 48 ? 5 : 4;
}

/** Which number of the block digit `n` of a byte of TQ1_0 is: the bytes lie in rows of 32, 16 and 4, a digit a row. */
export function tq1Place(byte: number, n: number): number {
  if (byte < 32) return byte + 32 * n;
  return byte < 48 ? 160 + (byte - 32) + 16 * n : 240 + (byte - 48) + 4 * n;
}
