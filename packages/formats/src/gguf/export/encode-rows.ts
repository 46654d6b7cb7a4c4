import { type Checkpoint, CompressError, readFloat32 } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkHalfRange } from '../check-half-range.ts';
import { encodeBlocks } from '../encode/encode-blocks.ts';
import { separateRow } from '../interleave.ts';
import type { TargetTensor } from './target-tensors.ts';

/** Numbers that are encoded at one time: 16 MB of f32. */
const PIECE = 4 << 20;

/**
 * The bytes of a tensor in a type of ggml, some rows at a time, made of floats. `importance`, `[columns]`, weighs errors. Throws `CompressError` `not-finite` and
 * `not-representable` with the tensor's name.
 */
export async function* encodeRows(
  checkpoint: Checkpoint,
  target: TargetTensor,
  type: string,
  kernels: Kernels,
  importance: Float32Array | undefined,
): AsyncGenerator<Uint8Array> {
  const { name, shape } = target.source;
  const [rows, columns] = [shape[0], shape.length === 1 ? 1 : shape[1]];
  // Whole heads, so that their rows can be put in order.
  const unit = target.headRows ?? 1;
  const step = Math.max(unit, Math.floor(PIECE / columns / unit) * unit);
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    const range = { start: from * columns, end: to * columns };
    const read = await readFloat32(checkpoint, name, kernels, range);
    const values = target.headRows === undefined ? read : interleaveRows(read, columns, target.headRows, kernels);
    yield await encode(values, columns, type, kernels, importance, { file: checkpoint.location, tensor: name });
  }
}

async function encode(
  values: Float32Array,
  columns: number,
  type: string,
  kernels: Kernels,
  importance: Float32Array | undefined,
  place: { readonly file: string; readonly tensor: string },
): Promise<Uint8Array> {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === 'F16' || type === 'BF16') {
    if (type === 'F16') checkHalfRange(values, place.file, place.tensor);
    const output = kernels.uint8(2 * values.length);
    await kernels.encode({ values, type: type === 'F16' ? 'f16' : 'bf16', output });
    return output;
  }
  try {
    return encodeBlocks(type, values, columns, importance);
  } catch (error) {
    if (!(error instanceof CompressError)) throw error;
    throw new CompressError(error.code, error.message, place, { cause: error });
  }
}

function interleaveRows(read: Float32Array, columns: number, headRows: number, kernels: Kernels): Float32Array {
  const output = kernels.float32(read.length);
  for (let row = 0; row < read.length / columns; row++) {
    const from = separateRow(row, headRows);
    output.set(read.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return output;
}
