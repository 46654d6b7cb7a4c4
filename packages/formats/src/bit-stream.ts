/**
 * Codes of `bits` bits as one little-endian bit stream in 32-bit words: code i is bits [i bits, (i + 1) bits) of the stream. For 2, 4 and 8
 * bits that is 32 / bits lanes a word; codes of 3 bits straddle words, 32 of them fill three. What the last word has no codes for is 0.
 */
export interface BitStream {
  readonly words: Uint32Array;
  /** Index of the first word, and the distance from one to the next. */
  readonly offset: number;
  readonly stride: number;
}

/** `count` codes, `codes[offset + i * stride]`, into the stream. */
export function packBits(
  codes: { readonly values: Uint8Array; readonly offset: number; readonly stride: number; readonly count: number },
  bits: number,
  stream: BitStream,
): void {
  let at = stream.offset;
  let word = 0;
  let filled = 0;
  for (let i = 0; i < codes.count; i++) {
    const code = codes.values[codes.offset + i * codes.stride];
    word |= code << filled;
    filled += bits;
    if (filled < 32) continue;
    stream.words[at] = word;
    at += stream.stride;
    filled -= 32;
    word = code >>> (bits - filled);
  }
  if (filled > 0) stream.words[at] = word;
}

/** The inverse of {@link packBits}, into `codes[0 .. count)`. */
export function unpackBits(stream: BitStream, bits: number, codes: Uint8Array): void {
  const mask = 2 ** bits - 1;
  let at = stream.offset;
  let word = stream.words[at];
  let used = 0;
  for (let i = 0; i < codes.length; i++) {
    let code = word >>> used;
    used += bits;
    if (used >= 32) {
      used -= 32;
      at += stream.stride;
      word = stream.words[at];
      if (used > 0) code |= word << (bits - used);
    }
    codes[i] = code & mask;
  }
}
