import { type WrittenFile, writeFileAtomic } from './atomic-file.ts';
import type { TensorInfo, TensorSource } from './checkpoint.ts';
import { type SafetensorsLayout, safetensorsLayout } from './safetensors-layout.ts';
import { tensorPieces } from './tensor-pieces.ts';

/**
 * Writes one safetensors file of any name, in the canonical form of the reference writer, under a temporary name until it is whole; `bytes` of each tensor is called
 * once, one at a time. Tells beside it where in the file each tensor begins. Throws `CompressError` `tensor-name`, `tensor-size`,
 * `safetensors-header-too-large`, `disk-full`, and what the sources throw.
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>>,
): Promise<{ readonly written: WrittenFile; readonly starts: ReadonlyMap<string, number> }> {
  const layout = safetensorsLayout(tensors, metadata, file);
  const written = await writeFileAtomic(file, safetensorsPieces(layout, file));
  return { written, starts: tensorStarts(layout) };
}

/** The bytes of a file, piece by piece. */
export async function* safetensorsPieces(
  { head, tensors }: SafetensorsLayout<TensorSource>,
  file: string,
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const tensor of tensors) yield* tensorPieces(tensor, file);
}

/** By name, the first byte of each tensor in the file. */
export function tensorStarts({ head, tensors }: SafetensorsLayout<TensorInfo>): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  let end = head.byteLength;
  for (const { name, byteLength } of tensors) {
    starts.set(name, end);
    end += byteLength;
  }
  return starts;
}
