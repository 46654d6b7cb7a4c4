import type { IntegerField } from './bytes.ts';

/** Bytes of a value, by the number of its type; strings and arrays have lengths of their own. */
const WIDTHS: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;

/**
 * Where a GGUF file has its counts, lengths, types, dimensions and offsets, as far as it can be followed: written from the format's
 * description and apart from the reader under test.
 */
export function ggufFields(file: Uint8Array): IntegerField[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const fields: IntegerField[] = [];
  let at = 4;
  const number = (bytes: 4 | 8): number => {
    // Of an unknown type, whose width is not a number.
    if (Number.isNaN(at)) throw new RangeError();
    fields.push({ at, bytes });
    at += bytes;
    return bytes === 4 ? view.getUint32(at - 4, true) : Number(view.getBigUint64(at - 8, true));
  };
  const text = () => {
    const length = number(8);
    at += length;
  };
  const value = (type: number): void => {
    if (type === STRING) text();
    else if (type !== ARRAY) at += WIDTHS[type];
    else {
      const of = number(4);
      // What a change made of a count must not decide how long this takes.
      for (let left = number(8); left > 0 && at < file.length; left--) value(of);
    }
  };
  try {
    number(4);
    const tensors = number(8);
    const keys = number(8);
    for (let i = 0; i < keys; i++) {
      text();
      value(number(4));
    }
    for (let i = 0; i < tensors; i++) {
      text();
      for (let left = number(4); left > 0; left--) number(8);
      number(4);
      number(8);
    }
  } catch (error) {
    // An earlier change broke it from here on.
    if (!(error instanceof RangeError)) throw error;
  }
  return fields.filter((field) => field.at + field.bytes <= file.length);
}
