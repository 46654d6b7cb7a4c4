import { ARRAYS, type GgufValue, type NumberType, VALUE_TYPES } from './gguf-value.ts';

const encoder = new TextEncoder();

/** A value as it lies in the file: its type, then the value. What `readGgufValue` reads. */
export function encodeGgufValue(value: GgufValue): Uint8Array {
  if (value.type === 'array') {
    const count = uint64(value.value.length);
    return concat([typeId('array'), typeId(value.of), count, ...elements(value)]);
  }
  if (value.type === 'string') return concat([typeId('string'), encodeGgufString(value.value)]);
  if (value.type === 'bool') return concat([typeId('bool'), Uint8Array.of(value.value ? 1 : 0)]);
  return concat([typeId(value.type), numberBytes(value.type, value.value)]);
}

/** A length of 8 bytes, then UTF-8. */
export function encodeGgufString(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return concat([uint64(bytes.byteLength), bytes]);
}

/** A count or an offset. */
export function uint64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

/** All of them in one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function typeId(type: (typeof VALUE_TYPES)[number]): Uint8Array {
  return new Uint8Array(Int32Array.of(VALUE_TYPES.indexOf(type)).buffer);
}

function elements(array: GgufValue & { type: 'array' }): Uint8Array[] {
  if (array.of === 'string') return array.value.map(encodeGgufString);
  const { buffer, byteOffset, byteLength } = array.value;
  return [new Uint8Array(buffer, byteOffset, byteLength)];
}

function numberBytes(type: NumberType, value: number | bigint): Uint8Array {
  const array = new ARRAYS[type](1);
  array[0] = value;
  return new Uint8Array(array.buffer);
}
