import type { Kernels } from '@compress/kernels';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { findTensor } from '../checkpoint/find-tensor.ts';
import { checkShape, loadTensor } from './load-section.ts';
import { memoryCheckpoint } from './overlay-checkpoint.ts';

/** Bytes of the file that are read at one time. */
const PIECE_BYTES = 2 ** 20;

/**
 * The named rows of a tensor of this shape as f32, `[rows.length, columns]`; `rows` rise. The file is read in pieces of about a megabyte, those
 * without a named row not at all. Throws as {@link loadTensor}, and `tensor-shape`.
 */
export async function gatherRows(
  checkpoint: Checkpoint,
  name: string,
  { shape, rows }: { readonly shape: readonly [rows: number, columns: number]; readonly rows: Uint32Array },
  kernels: Kernels,
): Promise<Float32Array> {
  const info = findTensor(checkpoint, name);
  checkShape(checkpoint, info, shape);
  const width = info.byteLength / shape[0];
  const gathered = new Uint8Array(rows.length * width);
  const step = Math.max(1, Math.floor(PIECE_BYTES / width));
  for (let next = 0; next < rows.length; ) {
    const start = rows[next];
    const end = Math.min(shape[0], start + step);
    const piece = await checkpoint.read(name, { start: start * width, end: end * width });
    for (; next < rows.length && rows[next] < end; next++) {
      const from = (rows[next] - start) * width;
      gathered.set(piece.subarray(from, from + width), next * width);
    }
  }
  const small = { ...info, shape: [rows.length, shape[1]], byteLength: gathered.byteLength, data: gathered };
  return loadTensor(memoryCheckpoint([small], checkpoint.location), name, kernels);
}
