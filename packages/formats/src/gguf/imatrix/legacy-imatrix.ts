import { ggufFault } from '../gguf-fault.ts';
import type { Imatrix } from './imatrix.ts';

/** More than any model has; what a file claims must not decide how much memory its reader takes. */
const MAX_ENTRIES = 65_536;
/** ggml keeps 64 bytes for a name. */
const MAX_NAME_BYTES = 64;
const MAX_DATASET_BYTES = 65_536;

/**
 * Reads the form that llama.cpp's imatrix had before GGUF (`*.dat`): i32 entries; of each i32 length and name, i32 calls, i32 values, and as many f32, the mean
 * squares times the calls; then, in newer files, i32 chunks, and i32 length and name of the text. Chunks are of a size that it does not tell, so `tokens` has
 * calls. Throws `CompressError` `gguf-imatrix`.
 */
export function parseLegacyImatrix(bytes: Uint8Array, file: string): Imatrix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  const fault = (message: string, tensor?: string) =>
    ggufFault('imatrix', `${message} (it is no GGUF, so it was read as llama.cpp's older form).`, file, tensor);
  const take = (length: number) => {
    if (at + length > bytes.length) throw fault(`The file ends at byte ${bytes.length}, inside of an entry`);
    at += length;
    return at - length;
  };
  const count = (what: string, least: number, most: number) => {
    const value = view.getInt32(take(4), true);
    if (value >= least && value <= most) return value;
    throw fault(`It claims ${value} for ${what}, which must be ${least} to ${most}`);
  };
  const text = (what: string, least: number, most: number) => {
    const length = count(`the length of ${what}`, least, most);
    try {
      return utf8.decode(bytes.subarray(take(length), at));
    } catch (error) {
      if (error instanceof TypeError) throw fault(`The bytes of ${what} are no UTF-8`);
      throw error;
    }
  };

  const entries = new Map<string, Float32Array>();
  const tokens = new Map<string, number>();
  const size = count('the number of entries', 1, MAX_ENTRIES);
  for (let i = 0; i < size; i++) {
    const name = text('a name', 1, MAX_NAME_BYTES);
    const calls = count('calls', 0, 2 ** 31 - 1);
    const values = count('values', 1, (bytes.length - at) >> 2);
    const start = take(4 * values);
    if (entries.has(name)) throw fault('The matrix is there twice', name);
    // Nothing was seen of it, so it says nothing.
    if (calls === 0) continue;
    const means = Float32Array.from({ length: values }, (_, j) => view.getFloat32(start + 4 * j, true) / calls);
    if (!means.every((mean) => mean >= 0 && Number.isFinite(mean)))
      throw fault('A mean square is no such number', name);
    entries.set(name, means);
    tokens.set(name, calls);
  }
  const chunks = at < bytes.length ? count('chunks', 0, 2 ** 31 - 1) : 0;
  const dataset = at < bytes.length ? text('the name of the text', 0, MAX_DATASET_BYTES) : '';
  if (at < bytes.length) throw fault(`There are ${bytes.length - at} bytes behind its end`);
  return { file, datasets: dataset === '' ? [] : [dataset], chunks, chunkSize: 0, entries, tokens };
}
