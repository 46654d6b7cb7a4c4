import { CompressError } from '@compress/core';
import { ggmlType } from '../ggml-types.ts';
import { BLOCK_ENCODERS } from './block-encoders.ts';

/**
 * Whole rows of `columns` numbers as blocks of a quantized type. `importance`, `[columns]`, tells how much an error in each column counts. Throws
 * `CompressError` `not-finite`, and `not-representable` where a scale is beyond f16; `RangeError` where blocks do not divide the rows.
 */
export function encodeBlocks(
  type: string,
  values: Float32Array,
  columns: number,
  importance?: Float32Array,
): Uint8Array {
  const { elements, bytes } = ggmlType(type);
  const encode = BLOCK_ENCODERS.get(type);
  if (encode === undefined) throw new RangeError(`No encoder makes ${type}.`);
  if (columns % elements !== 0) throw new RangeError(`Blocks of ${elements} do not divide rows of ${columns}.`);
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) {
    throw new CompressError('not-finite', `It holds ${wrong}, which no block can: its weights are broken.`);
  }
  const output = new Uint8Array((values.length / elements) * bytes);
  for (let from = 0, at = 0; from < values.length; from += elements, at += bytes) {
    const column = from % columns;
    encode(
      values.subarray(from, from + elements),
      output.subarray(at, at + bytes),
      importance?.subarray(column, column + elements),
    );
  }
  return output;
}
