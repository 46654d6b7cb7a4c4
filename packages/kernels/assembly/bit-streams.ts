/**
 * Codes of 1..8 bits as a little-endian bit stream, eight codes to `bits` bytes at a time. Stores of eight bytes run over the end of a row into what is
 * written next; windows have eight bytes of room behind them.
 */

/** Rows of codes become rows of `rowBytes`. `target` is zeroed. */
export function packCodes(codes: usize, rows: i32, columns: i32, bits: i32, target: usize, rowBytes: i32): void {
  const mask = (<u64>1 << bits) - 1, masks = mask * 0x0101010101010101;
  for (let r = 0; r < rows; r++) {
    let to = target, c = 0;
    for (; c + 8 <= columns; c += 8) {
      store<u64>(to, join(load<u64>(codes, 0) & masks, bits));
      codes += 8;
      to += bits;
    }
    if (c < columns) {
      const present = (<u64>1 << ((columns - c) << 3)) - 1;
      store<u64>(to, join(load<u64>(codes) & masks & present, bits));
      codes += columns - c;
    }
    target += rowBytes;
  }
}

/** The way back; codes of a row follow those of the one before. */
export function unpackCodes(source: usize, rows: i32, columns: i32, bits: i32, codes: usize, rowBytes: i32): void {
  for (let r = 0; r < rows; r++) {
    let from = source, c = 0;
    for (; c < columns; c += 8) {
      store<u64>(codes + c, split(load<u64>(from), bits));
      from += bits;
    }
    codes += columns;
    source += rowBytes;
  }
}

/** Eight bytes of `bits` bits: neighbours are moved together, first bytes to pairs, then pairs, then fours. */
// @ts-ignore: decorator
@inline
function join(x: u64, bits: i32): u64 {
  x = (x & 0x00ff00ff00ff00ff) | ((x & 0xff00ff00ff00ff00) >> (8 - bits));
  x = (x & 0x0000ffff0000ffff) | ((x & 0xffff0000ffff0000) >> (16 - 2 * bits));
  return (x & 0x00000000ffffffff) | ((x >> 32) << (4 * bits));
}

// @ts-ignore: decorator
@inline
function split(x: u64, bits: i32): u64 {
  const one = ((<u64>1 << bits) - 1) * 0x0001000100010001, two = ((<u64>1 << (2 * bits)) - 1) * 0x0000000100000001, four = (<u64>1 << (4 * bits)) - 1;
  x = (x & four) | (((x >> (4 * bits)) & four) << 32);
  x = (x & two) | (((x >> (2 * bits)) & two) << 16);
  return (x & one) | (((x >> bits) & one) << 8);
}
