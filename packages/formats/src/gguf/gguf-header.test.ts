import { createHash } from 'node:crypto';
import { CompressError } from '@compress/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderContinues, MAX_HEADER_BYTES } from './byte-cursor.ts';
import { f32, GOLDEN, ggufFile, join, key, type Parts, tensor, text, u32, u64 } from './gguf-file.test.fixture.ts';
import { parseGgufHeader } from './gguf-header.ts';

const parse = (bytes: Uint8Array) => parseGgufHeader(bytes, bytes.length, 'file');

function codeOf(bytes: Uint8Array): string {
  try {
    parse(bytes);
    return 'valid';
  } catch (error) {
    if (error instanceof CompressError) return error.code.replace('gguf-', '');
    throw error;
  }
}

it('reads the file that the reference reader opened', () => {
  expect(createHash('sha256').update(GOLDEN).digest('hex')).toBe(
    '0d7f2fbe33716bd30cebf2f967bd48dfdeb70abc1cbb429dfd68ee9f74fa8d3a',
  );
  const { version, metadata, tensors } = parse(GOLDEN);
  expect(version).toBe(3);
  expect([...metadata]).toEqual([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.quantization_version', { type: 'u32', value: 2 }],
  ]);
  expect([...tensors.values()]).toEqual([
    { name: 'a', type: { id: 2, name: 'Q4_0', elements: 32, bytes: 18 }, shape: [1, 32], start: 192, byteLength: 18 },
    { name: 'b', type: { id: 0, name: 'F32', elements: 1, bytes: 4 }, shape: [3], start: 224, byteLength: 12 },
  ]);
});

it('reads values of every type', () => {
  const values: [string, number, Uint8Array, unknown][] = [
    ['u8', 0, Uint8Array.of(255), { type: 'u8', value: 255 }],
    ['i8', 1, Uint8Array.of(255), { type: 'i8', value: -1 }],
    ['u16', 2, Uint8Array.of(1, 2), { type: 'u16', value: 513 }],
    ['i16', 3, Uint8Array.of(254, 255), { type: 'i16', value: -2 }],
    ['u32', 4, u32(2 ** 32 - 1), { type: 'u32', value: 2 ** 32 - 1 }],
    ['i32', 5, u32(2 ** 32 - 1), { type: 'i32', value: -1 }],
    ['f32', 6, f32(0.5), { type: 'f32', value: 0.5 }],
    ['bool', 7, Uint8Array.of(1), { type: 'bool', value: true }],
    ['string', 8, text('é\0'), { type: 'string', value: 'é\0' }],
    ['u64', 10, u64(2n ** 64n - 1n), { type: 'u64', value: 2n ** 64n - 1n }],
    ['i64', 11, u64(2n ** 64n - 1n), { type: 'i64', value: -1n }],
    ['f64', 12, new Uint8Array(Float64Array.of(0.1).buffer), { type: 'f64', value: 0.1 }],
    ['strings', 9, join(u32(8), u64(2), text('a'), text('')), { type: 'array', of: 'string', value: ['a', ''] }],
    ['bools', 9, join(u32(7), u64(2), Uint8Array.of(0, 1)), { type: 'array', of: 'bool', value: Uint8Array.of(0, 1) }],
    ['floats', 9, join(u32(6), u64(2), f32(1, 2)), { type: 'array', of: 'f32', value: Float32Array.of(1, 2) }],
    ['none', 9, join(u32(10), u64(0)), { type: 'array', of: 'u64', value: new BigUint64Array() }],
  ];
  const { metadata } = parse(ggufFile({ keys: values.map(([name, type, bytes]) => key(name, type, bytes)) }));
  expect([...metadata]).toEqual(values.map(([name, , , value]) => [name, value]));
});

const one = (ne: readonly (number | bigint)[], type: number, dataBytes: number): Parts => ({
  tensors: [tensor('x', ne, type, 0)],
  data: new Uint8Array(dataBytes),
});

describe('accepts', () => {
  it.each<[string, Parts]>([
    ['a file of nothing', {}],
    ['version 2', { version: 2 }],
    ['a scalar', one([], 0, 32)],
    ['an empty dimension', one([32, 0], 2, 0)],
    ['bytes behind the last tensor', one([8], 0, 100)],
    ['a name of 63 bytes', { tensors: [tensor('n'.repeat(63), [8], 0, 0)], data: new Uint8Array(32) }],
    [
      'another alignment',
      {
        keys: [key('general.alignment', 4, u32(64))],
        tensors: [tensor('a', [1], 0, 0), tensor('b', [1], 0, 64)],
        data: new Uint8Array(128),
        alignment: 64,
      },
    ],
    ['names that mean something to JavaScript', { keys: [key('__proto__', 0, Uint8Array.of(1))] }],
  ])('%s', (_, parts) => expect(codeOf(ggufFile(parts))).toBe('valid'));
});

describe('refuses', () => {
  const byte = Uint8Array.of(1);
  it.each<[string, string, Parts]>([
    ['another magic', 'magic', { magic: 'GGML' }],
    ['version 1', 'version', { version: 1 }],
    ['version 4', 'version', { version: 4 }],
    ['big-endian files', 'version', { version: 0x03000000 }],
    ['more keys than the file has room for', 'truncated', { keyCount: 1n }],
    ['more tensors than the file has room for', 'truncated', { tensorCount: 2n ** 50n }],
    ['a count beyond 2^53 - 1', 'count', { keyCount: 2n ** 64n - 1n }],
    ['an empty key', 'key', { keys: [key('', 0, byte)] }],
    ['a key with a zero byte', 'key', { keys: [key('a\0', 0, byte)] }],
    ['a key of 65,536 bytes', 'key', { keys: [key('k'.repeat(65_536), 0, byte)] }],
    ['a key twice', 'duplicate-key', { keys: [key('a', 0, byte), key('a', 0, byte)] }],
    ['a string that is not UTF-8', 'string', { keys: [key('a', 8, u64(1), Uint8Array.of(255))] }],
    ['a string beyond the end', 'truncated', { keys: [key('a', 8, u64(2 ** 40))] }],
    ['an unknown type of value', 'value-type', { keys: [key('a', 13, u64(0))] }],
    ['a negative type of value', 'value-type', { keys: [key('a', 0xffffffff, u64(0))] }],
    ['an array of arrays', 'value-type', { keys: [key('a', 9, u32(9), u64(0))] }],
    ['an array beyond the end', 'truncated', { keys: [key('a', 9, u32(12), u64(2 ** 40))] }],
    ['more strings than the file has room for', 'truncated', { keys: [key('a', 9, u32(8), u64(2 ** 40))] }],
    ['a boolean of 2', 'bool', { keys: [key('a', 7, Uint8Array.of(2))] }],
    ['an alignment of 0', 'alignment', { keys: [key('general.alignment', 4, u32(0))] }],
    ['an alignment of 24', 'alignment', { keys: [key('general.alignment', 4, u32(24))] }],
    ['an alignment of another type', 'alignment', { keys: [key('general.alignment', 10, u64(32))] }],
    ['a name of 64 bytes', 'name', { tensors: [tensor('n'.repeat(64), [8], 0, 0)], data: new Uint8Array(32) }],
    ['a tensor twice', 'duplicate-tensor', { tensors: [tensor('x', [8], 0, 0), tensor('x', [8], 0, 32)] }],
    ['5 dimensions', 'dimensions', one([1, 1, 1, 1, 1], 0, 32)],
    ['an unknown type', 'type', one([32], 43, 32)],
    ['a type that was removed', 'type', one([32], 4, 32)],
    ['rows that are no whole blocks', 'row', one([48, 2], 2, 64)],
    ['a scalar of blocks', 'row', one([], 2, 32)],
    ['a negative dimension', 'count', one([-1n & (2n ** 64n - 1n)], 0, 32)],
    ['more elements than can be counted', 'overflow', one([2 ** 40, 2 ** 40], 0, 32)],
    ['a tensor that does not begin at 0', 'offset', { tensors: [tensor('x', [8], 0, 32)], data: new Uint8Array(64) }],
    ['a gap', 'offset', { tensors: [tensor('x', [8], 0, 0), tensor('y', [8], 0, 64)], data: new Uint8Array(96) }],
    ['an overlap', 'offset', { tensors: [tensor('x', [8], 0, 0), tensor('y', [8], 0, 0)], data: new Uint8Array(96) }],
    ['a last tensor without its padding', 'truncated', one([9], 0, 36)],
    ['a tensor that is cut', 'truncated', one([2 ** 40], 0, 32)],
  ])('%s', (_, code, parts) => expect(codeOf(ggufFile(parts))).toBe(code));

  it('a file cut anywhere', () => {
    for (let length = 0; length < GOLDEN.length; length++) {
      expect(codeOf(GOLDEN.subarray(0, length)), `${length} bytes`).toBe('truncated');
    }
  });

  it('a header over 100 MB, from its first bytes', () => {
    const head = ggufFile({ keys: [key('a', 8, u64(MAX_HEADER_BYTES))] });
    expect(() => parseGgufHeader(head, 2 ** 40, 'file')).toThrow(/more than 100 MB/);
  });
});

it('asks for more of a file whose header is longer than what is at hand', () => {
  for (let length = 0; length < 170; length++) {
    expect(() => parseGgufHeader(GOLDEN.subarray(0, length), GOLDEN.length, 'file')).toThrow(HeaderContinues);
  }
});

it('takes mutated files as valid or answers with one CompressError, and what is valid lies inside the file', () => {
  const valid = ggufFile({
    keys: [
      key('general.architecture', 8, text('llama')),
      key('general.alignment', 4, u32(32)),
      key('tokens', 9, u32(8), u64(3), text('a'), text('bc'), text('Ġd')),
      key('types', 9, u32(5), u64(3), u32(1), u32(1), u32(3)),
      key('add', 7, Uint8Array.of(1)),
    ],
    tensors: [tensor('w', [32, 2], 2, 0), tensor('n', [8], 0, 64), tensor('s', [], 1, 96)],
    data: new Uint8Array(128),
  });
  const headerBytes = valid.length - 128;
  const at = fc.nat(headerBytes - 1);
  const mutation = fc.oneof(
    fc.record({ at, remove: fc.constant(1), insert: fc.tuple(fc.oneof(fc.nat(255), fc.nat(13))) }),
    fc.record({ at, remove: fc.nat(12), insert: fc.array(fc.nat(255), { maxLength: 12 }) }),
    fc.record({ at, remove: fc.constant(8), insert: fc.bigInt(0n, 2n ** 64n - 1n).map((value) => [...u64(value)]) }),
    fc.record({ at, remove: fc.constant(0), insert: fc.nat(80).map((length) => [...valid.subarray(0, length)]) }),
  );
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      let bytes = valid;
      for (const { at, remove, insert } of mutations) {
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove));
      }
      const code = codeOf(bytes);
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
      if (code !== 'valid') return;
      for (const { start, byteLength } of parse(bytes).tensors.values()) {
        expect(start % 1).toBe(0);
        expect(start + byteLength).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 20_000 },
  );
  // The mutations reach every layer of the parser, not only its first check.
  expect(outcomes.size).toBeGreaterThan(12);
});
