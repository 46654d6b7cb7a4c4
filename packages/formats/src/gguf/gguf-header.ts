import { type ByteCursor, createByteCursor } from './byte-cursor.ts';
import { GGML_TYPES, type GgmlType } from './ggml-types.ts';
import { ggufFault } from './gguf-fault.ts';
import { type GgufValue, readGgufValue } from './gguf-value.ts';

/** Where a tensor's blocks are, counted from the start of the file. */
export interface GgufTensorInfo {
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major, so `[out, in]` for a matrix: the file lists dimensions the other way round. */
  readonly shape: readonly number[];
  readonly start: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
}

const DEFAULT_ALIGNMENT = 32;
/** The format's limit. */
const MAX_KEY_BYTES = 65_535;
/** ggml keeps 64 bytes for a name, one of them for its end. */
const MAX_NAME_BYTES = 63;
const MAX_DIMENSIONS = 4;

/**
 * Parses and proves the header of GGUF 2 or 3 (ggml, `docs/gguf.md`), with every rule that the reference reader enforces. `head` is the
 * beginning of a file of `fileSize` bytes. Throws {@link HeaderContinues} if the header is longer than `head`, and otherwise only
 * `CompressError`: `gguf-magic`, `-version`, `-truncated`, `-header-too-large`, `-count`, `-string`, `-key`, `-duplicate-key`, `-value-type`,
 * `-bool`, `-alignment`, `-name`, `-duplicate-tensor`, `-dimensions`, `-type`, `-row`, `-overflow`, `-offset`.
 */
export function parseGgufHeader(head: Uint8Array, fileSize: number, file: string): GgufHeader {
  const cursor = createByteCursor(head, fileSize, file);
  const version = readVersion(cursor, file);
  const tensorCount = cursor.natural('the number of tensors');
  const keyCount = cursor.natural('the number of keys');
  // A key takes its length, a type and a byte; a tensor a length, dimensions, a type and an offset.
  cursor.expectRoom(keyCount, 13, 'keys');
  cursor.expectRoom(tensorCount, 24, 'tensors');

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = readKey(cursor, file);
    if (metadata.has(key)) throw ggufFault('duplicate-key', `The key ${key} is there twice.`, file);
    metadata.set(key, readGgufValue(cursor, key, file));
  }
  const alignment = readAlignment(metadata, file);
  const entries = new Map<string, Entry>();
  for (let i = 0; i < tensorCount; i++) {
    const entry = readEntry(cursor, file);
    if (entries.has(entry.name)) throw ggufFault('duplicate-tensor', 'The tensor is there twice.', file, entry.name);
    entries.set(entry.name, entry);
  }
  return { version, metadata, tensors: place(entries, cursor.position(), alignment, fileSize, file) };
}

function readVersion(cursor: ByteCursor, file: string): 2 | 3 {
  if (new TextDecoder('latin1').decode(cursor.bytes(4, 'its first word')) !== 'GGUF') {
    throw ggufFault('magic', 'The file does not begin with GGUF: this is no GGUF file.', file);
  }
  const version = cursor.uint32();
  if (version === 2 || version === 3) return version;
  const why = version > 0xffff ? 'big-endian' : `version ${version}`;
  throw ggufFault('version', `The file is ${why}; versions 2 and 3 in little-endian are read: convert it anew.`, file);
}

function readKey(cursor: ByteCursor, file: string): string {
  const key = cursor.string('a key');
  if (key !== '' && Buffer.byteLength(key) <= MAX_KEY_BYTES && !key.includes('\0')) return key;
  throw ggufFault('key', `A key must have 1 to ${MAX_KEY_BYTES} bytes and no zero byte.`, file);
}

function readAlignment(metadata: ReadonlyMap<string, GgufValue>, file: string): number {
  const found = metadata.get('general.alignment');
  if (found === undefined) return DEFAULT_ALIGNMENT;
  // As a bigint: a number's bits would be cut to 32 with a sign.
  const value = found.type === 'u32' ? BigInt(found.value) : 0n;
  if (value > 0n && (value & (value - 1n)) === 0n) return Number(value);
  throw ggufFault('alignment', 'general.alignment must be a power of two, of type u32.', file);
}

interface Entry {
  readonly name: string;
  readonly type: GgmlType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly offset: number;
}

function readEntry(cursor: ByteCursor, file: string): Entry {
  const name = cursor.string("a tensor's name");
  if (Buffer.byteLength(name) > MAX_NAME_BYTES || name.includes('\0')) {
    throw ggufFault('name', `A tensor's name must have at most ${MAX_NAME_BYTES} bytes and no zero byte.`, file);
  }
  const dimensions = cursor.uint32();
  if (dimensions > MAX_DIMENSIONS) {
    throw ggufFault('dimensions', `It has ${dimensions} dimensions; ${MAX_DIMENSIONS} is the most.`, file, name);
  }
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(cursor.natural('a dimension'));
  const id = cursor.int32();
  const type = GGML_TYPES.get(id);
  if (type === undefined) throw ggufFault('type', `Its type ${id} is not known.`, file, name);
  const offset = cursor.natural('an offset');
  return { name, type, shape, byteLength: byteLength(shape, type, file, name), offset };
}

function byteLength(shape: readonly number[], type: GgmlType, file: string, name: string): number {
  const row = shape.at(-1) ?? 1;
  if (row % type.elements !== 0) {
    throw ggufFault('row', `Rows of ${row} do not divide into ${type.name}'s blocks of ${type.elements}.`, file, name);
  }
  let elements = 1;
  for (const dimension of shape) {
    elements *= dimension;
    // Decoded, each takes up to 8 bytes.
    if (!Number.isSafeInteger(elements * 8)) {
      throw ggufFault('overflow', `Shape [${shape}] has more elements than can be counted.`, file, name);
    }
  }
  return (elements / type.elements) * type.bytes;
}

/** Proves that the tensors follow one another, each filled up to the alignment, and that the file holds them all. */
function place(
  entries: ReadonlyMap<string, Entry>,
  headerEnd: number,
  alignment: number,
  fileSize: number,
  file: string,
): ReadonlyMap<string, GgufTensorInfo> {
  const pad = (bytes: number) => Math.ceil(bytes / alignment) * alignment;
  const data = pad(headerEnd);
  const tensors = new Map<string, GgufTensorInfo>();
  let position = 0;
  for (const { name, type, shape, byteLength, offset } of entries.values()) {
    if (offset !== position) {
      throw ggufFault('offset', `Its offset is ${offset}, but the tensors before it end at ${position}.`, file, name);
    }
    tensors.set(name, { name, type, shape, byteLength, start: data + offset });
    position += pad(byteLength);
    if (data + position > fileSize) {
      throw ggufFault(
        'truncated',
        `It ends at byte ${data + position} with its padding, the file at ${fileSize}: get it again.`,
        file,
        name,
      );
    }
  }
  return tensors;
}
