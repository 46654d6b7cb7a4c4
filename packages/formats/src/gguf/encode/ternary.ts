import { tq1Digits, tq1Place } from '../decode/ternary.ts';
import { type BlockEncoder, extreme, inverseOf, putHalf, roundAway } from './block-encoder.ts';

/** Digits 0 to 2 of (digit - 1) d, d the peak, as ggml rounds them. */
function digitsOf(block: Float32Array, output: Uint8Array, place: number): Uint8Array {
  const d = Math.abs(extreme(block));
  const inverse = inverseOf(d);
  putHalf(output, place, d);
  return Uint8Array.from(block, (value) => roundAway(Math.fround(value * inverse)) + 1);
}

/** As ggml's `quantize_row_tq2_0_ref`, bit for bit: laid out as {@link decodeTq2} reads it. */
export const encodeTq2: BlockEncoder = (block, output) => {
  const digits = digitsOf(block, output, 64);
  for (let i = 0; i < 256; i++) output[32 * (i >> 7) + (i & 31)] |= digits[i] << (2 * ((i >> 5) & 3));
};

/** As ggml's `quantize_row_tq1_0_ref`, bit for bit: laid out as {@link decodeTq1} reads it. */
export const encodeTq1: BlockEncoder = (block, output) => {
  const digits = digitsOf(block, output, 52);
  for (let byte = 0; byte < 52; byte++) {
    let number = 0;
    for (let n = 0; n < 5; n++) number = number * 3 + (n < tq1Digits(byte) ? digits[tq1Place(byte, n)] : 0);
    // In 256ths of 243, rounded up, so that cutting gives the digits back.
    output[byte] = Math.ceil((number * 256) / 243);
  }
};
