import type { ByteCursor } from './byte-cursor.ts';
import { ggufFault } from './gguf-fault.ts';

const SCALARS = {
  u8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  i8: { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  u16: { bytes: 2, read: (view: DataView, at: number) => view.getUint16(at, true) },
  i16: { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  u32: { bytes: 4, read: (view: DataView, at: number) => view.getUint32(at, true) },
  i32: { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  f32: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  u64: { bytes: 8, read: (view: DataView, at: number) => view.getBigUint64(at, true) },
  i64: { bytes: 8, read: (view: DataView, at: number) => view.getBigInt64(at, true) },
  f64: { bytes: 8, read: (view: DataView, at: number) => view.getFloat64(at, true) },
};

/** By their numbers in the file. */
export const VALUE_TYPES = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const;

/** Arrays as small in memory as in the file: what a file claims must not cost many times its size. */
export const ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
};

export type NumberType = keyof typeof SCALARS;
type NumberArray = InstanceType<(typeof ARRAYS)[NumberType]>;

/** A value of the metadata, with the type that the file gives it. An array of booleans is one of bytes 0 and 1. */
export type GgufValue =
  | { readonly type: NumberType; readonly value: number | bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] }
  | { readonly type: 'array'; readonly of: 'bool'; readonly value: Uint8Array }
  | { readonly type: 'array'; readonly of: NumberType; readonly value: NumberArray };

/** The value of `key`. Throws `CompressError` `gguf-value-type`, `gguf-bool`, and those of the cursor. */
export function readGgufValue(cursor: ByteCursor, key: string, file: string): GgufValue {
  const type = readType(cursor, key, file);
  if (type === 'string') return { type, value: cursor.string(key) };
  if (type === 'bool') return { type, value: readBooleans(cursor, 1, key, file)[0] === 1 };
  if (type === 'array') return readArray(cursor, key, file);
  return { type, value: readNumbers(cursor, type, 1, key)[0] };
}

function readType(cursor: ByteCursor, key: string, file: string): (typeof VALUE_TYPES)[number] {
  const id = cursor.int32();
  const type = VALUE_TYPES[id];
  if (type === undefined) throw ggufFault('value-type', `${key} has type ${id}, which is none of the format's.`, file);
  return type;
}

function readArray(cursor: ByteCursor, key: string, file: string): GgufValue {
  const of = readType(cursor, key, file);
  if (of === 'array') throw ggufFault('value-type', `${key} is an array of arrays, which no reader takes.`, file);
  const count = cursor.natural(`the elements of ${key}`);
  if (of === 'bool') return { type: 'array', of, value: readBooleans(cursor, count, key, file) };
  if (of !== 'string') return { type: 'array', of, value: readNumbers(cursor, of, count, key) };
  // Each string begins with its length, of 8 bytes.
  cursor.expectRoom(count, 8, `elements of ${key}`);
  const value: string[] = [];
  for (let i = 0; i < count; i++) value.push(cursor.string(key));
  return { type: 'array', of, value };
}

function readNumbers(cursor: ByteCursor, type: NumberType, count: number, key: string): NumberArray {
  const { bytes: width, read } = SCALARS[type];
  const bytes = cursor.bytes(count * width, key);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new ARRAYS[type](count);
  for (let i = 0; i < count; i++) values[i] = read(view, i * width);
  return values;
}

function readBooleans(cursor: ByteCursor, count: number, key: string, file: string): Uint8Array {
  const bytes = cursor.bytes(count, key);
  const wrong = bytes.find((byte) => byte > 1);
  if (wrong !== undefined) throw ggufFault('bool', `${key} holds ${wrong}, where booleans are 0 or 1.`, file);
  return bytes.slice();
}
