import {
  type Checkpoint,
  checkRange,
  type Dtype,
  findTensor,
  type OpenedFile,
  openFile,
  type TensorInfo,
} from '@compress/core';
import { HeaderContinues, MAX_HEADER_BYTES } from './byte-cursor.ts';
import type { BlockDecoder } from './decode/block-decoder.ts';
import { BLOCK_DECODERS } from './decode/block-decoders.ts';
import { ggufFault } from './gguf-fault.ts';
import { type GgufHeader, type GgufTensorInfo, parseGgufHeader } from './gguf-header.ts';
import type { GgufValue } from './gguf-value.ts';

/** Types of ggml that are dtypes of ours: read as they lie. */
const PLAIN: ReadonlySet<string> = new Set<Dtype>(['F64', 'F32', 'F16', 'BF16', 'I8', 'I16', 'I32', 'I64']);

/** Enough for the header of most small models; a longer one is read in steps of twice as much. */
const FIRST_READ = 1 << 20;

/** A tensor as the checkpoint gives it, and the type of ggml that it has in the file. */
export interface GgufTensor extends TensorInfo {
  readonly type: string;
}

/** A GGUF file as a checkpoint, its tensors under the names that they have there. */
export interface GgufFile extends Checkpoint {
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** All bytes of a tensor as they lie in the file, blocks among them. Throws as `read` does. */
  readStored(name: string): Promise<Uint8Array>;
}

/**
 * Opens one GGUF file: reads and proves its header; tensors are read later, by position. Quantized ones are F32, decoded block by block on
 * reading; F32, F16, BF16, F64 and integers keep their dtype. Throws `CompressError` `checkpoint-missing`, every error of
 * `parseGgufHeader`, `gguf-split` for one file of a model in several, `gguf-type-unread` for types without a decoder here.
 */
export async function openGguf(file: string): Promise<GgufFile> {
  const opened = await openFile(file);
  try {
    const header = await readHeader(opened, file);
    checkWhole(header, file);
    const tensors = new Map([...header.tensors].map(([name, info]) => [name, describe(info, file)]));
    const location = file;
    return {
      tensors,
      version: header.version,
      metadata: header.metadata,
      location,
      files: [file],
      async read(name, range) {
        const { byteLength } = findTensor({ location, tensors }, name);
        const { start, end } = checkRange(range, byteLength, file, name);
        const info = header.tensors.get(name)!;
        const decode = BLOCK_DECODERS.get(info.type.name);
        if (decode === undefined) return opened.read(info.start + start, end - start);
        return readBlocks(opened, info, decode, start, end);
      },
      async readStored(name) {
        findTensor({ location, tensors }, name);
        const { start, byteLength } = header.tensors.get(name)!;
        return opened.read(start, byteLength);
      },
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function readHeader(opened: OpenedFile, file: string): Promise<GgufHeader> {
  const { size } = opened;
  for (let length = FIRST_READ; ; length *= 2) {
    const head = await opened.read(0, Math.min(length, size, MAX_HEADER_BYTES));
    try {
      return parseGgufHeader(head, size, file);
    } catch (error) {
      if (!(error instanceof HeaderContinues)) throw error;
    }
  }
}

function checkWhole({ metadata }: GgufHeader, file: string): void {
  const count = metadata.get('split.count')?.value;
  if (count === undefined || Number(count) <= 1) return;
  throw ggufFault('split', `It is one of ${count} files of a model: join them with llama-gguf-split --merge.`, file);
}

function describe({ name, type, shape, byteLength }: GgufTensorInfo, file: string): GgufTensor {
  if (PLAIN.has(type.name)) return { name, type: type.name, dtype: type.name as Dtype, shape, byteLength };
  if (BLOCK_DECODERS.has(type.name)) {
    const decoded = 4 * (byteLength / type.bytes) * type.elements;
    return { name, type: type.name, dtype: 'F32', shape, byteLength: decoded, decoded: true, codedBytes: byteLength };
  }
  const known = [...PLAIN, ...BLOCK_DECODERS.keys()].join(', ');
  throw ggufFault('type-unread', `It is of type ${type.name}, which is not decoded (only ${known}).`, file, name);
}

/** Bytes [start, end) of the decoded tensor. */
async function readBlocks(
  opened: OpenedFile,
  { type, start: position }: GgufTensorInfo,
  decode: BlockDecoder,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const decodedBytes = 4 * type.elements;
  const first = Math.floor(start / decodedBytes);
  const count = Math.ceil(end / decodedBytes) - first;
  const blocks = await opened.read(position + first * type.bytes, count * type.bytes);
  const values = new Float32Array(count * type.elements);
  for (let i = 0; i < count; i++) decode(blocks, i * type.bytes, values, i * type.elements);
  return new Uint8Array(values.buffer, start - first * decodedBytes, end - start);
}
