import { type TensorSource, tensorPieces, type WrittenFile, writeFileAtomic } from '@compress/core';
import { concat, encodeGgufString, encodeGgufValue, uint64 } from './encode-gguf-value.ts';
import { type GgmlType, ggmlType } from './ggml-types.ts';
import { parseGgufHeader } from './gguf-header.ts';
import type { GgufValue } from './gguf-value.ts';

/** A tensor on its way to a GGUF file. */
export interface GgufTensorSource extends Pick<TensorSource, 'name' | 'shape' | 'byteLength' | 'bytes'> {
  /** The type of ggml that the bytes are of, by its name in capitals. */
  readonly type: string;
}

/** What a GGUF file is made of. */
export interface GgufContent {
  /** Written in this order. `general.alignment` says to how many bytes tensors are filled up; without it 32. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensorSource[];
}

/**
 * Writes one GGUF 3 file, under a temporary name until it is whole; tensors are made and written one at a time, in the order given. The
 * header is proven by the reader's own rules before anything is written. Throws `CompressError` as `parseGgufHeader` does, `tensor-size` if a
 * tensor's bytes are not as many as its shape and type need, `disk-full`, and what the sources throw.
 */
export function writeGguf(path: string, content: GgufContent): Promise<WrittenFile> {
  const { head, alignment } = ggufHead(path, content);
  return writeFileAtomic(path, pieces(path, content, head, alignment));
}

/** Bytes that {@link writeGguf} will write. Throws as it does for its header. */
export function ggufSize(path: string, content: GgufContent): number {
  return ggufHead(path, content).size;
}

/** The header with the padding behind it, and the size of the whole file. */
function ggufHead(path: string, { metadata, tensors }: GgufContent) {
  const alignment = Number(metadata.get('general.alignment')?.value ?? 32);
  const parts = [new TextEncoder().encode('GGUF'), uint32(3), uint64(tensors.length), uint64(metadata.size)];
  for (const [key, value] of metadata) parts.push(encodeGgufString(key), encodeGgufValue(value));
  let offset = 0;
  for (const { name, type, shape, byteLength } of tensors) {
    // The fastest dimension comes first.
    const dimensions = [...shape].reverse().map(uint64);
    parts.push(encodeGgufString(name), uint32(shape.length), ...dimensions, uint32(ggmlType(type).id), uint64(offset));
    offset += byteLength + padding(byteLength, alignment);
  }
  const header = concat(parts);
  const head = concat([header, new Uint8Array(padding(header.byteLength, alignment))]);
  const size = head.byteLength + offset;
  parseGgufHeader(head, size, path);
  return { head, alignment, size };
}

async function* pieces(path: string, { tensors }: GgufContent, head: Uint8Array, alignment: number) {
  yield head;
  for (const tensor of tensors) {
    yield* tensorPieces(tensor, path);
    yield new Uint8Array(padding(tensor.byteLength, alignment));
  }
}

/** Bytes of a tensor of this type and shape. */
export function ggmlBytes({ elements, bytes }: GgmlType, shape: readonly number[]): number {
  return (shape.reduce((product, dimension) => product * dimension, 1) / elements) * bytes;
}

function padding(bytes: number, alignment: number): number {
  return (alignment - (bytes % alignment)) % alignment;
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
