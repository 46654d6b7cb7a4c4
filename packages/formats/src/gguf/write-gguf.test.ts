import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { f32, GOLDEN } from './gguf-file.test.fixture.ts';
import type { GgufValue } from './gguf-value.ts';
import { openGguf } from './open-gguf.ts';
import { type GgufTensorSource, ggufSize, writeGguf } from './write-gguf.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-write-gguf-'));
  file = join(folder, 'model.gguf');
});
afterEach(() => rm(folder, { recursive: true }));

const source = (name: string, type: string, shape: number[], bytes: Uint8Array): GgufTensorSource => ({
  name,
  type,
  shape,
  byteLength: bytes.length,
  bytes: async () => bytes,
});

const floats = (name: string, ...values: number[]) => source(name, 'F32', [values.length], f32(...values));

const keys = new Map<string, GgufValue>([
  ['general.architecture', { type: 'string', value: 'llama' }],
  ['general.quantization_version', { type: 'u32', value: 2 }],
]);

const block = Buffer.from('0034730c953fc851ea841da63fd962fb842e', 'hex');

it('writes the file that the reference reader opened', async () => {
  const tensors = [source('a', 'Q4_0', [1, 32], block), floats('b', 1, 2, 3)];
  const content = { metadata: keys, tensors };
  expect(ggufSize(file, content)).toBe(256);
  const written = await writeGguf(file, content);
  expect(written).toEqual({
    file: 'model.gguf',
    bytes: 256,
    sha256: '0d7f2fbe33716bd30cebf2f967bd48dfdeb70abc1cbb429dfd68ee9f74fa8d3a',
  });
  expect(await readFile(file)).toEqual(Buffer.from(GOLDEN));
});

it('writes every kind of value as the reader understands it, and tensors in pieces at any alignment', async () => {
  const number = (type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64', value: number): GgufValue => ({
    type,
    value,
  });
  const metadata = new Map<string, GgufValue>([
    ['general.alignment', number('u32', 8)],
    ['u8', number('u8', 255)],
    ['i8', number('i8', -128)],
    ['u16', number('u16', 65535)],
    ['i16', number('i16', -2)],
    ['i32', number('i32', -3)],
    ['f32', number('f32', 0.5)],
    ['f64', number('f64', 0.1)],
    ['u64', { type: 'u64', value: 2n ** 64n - 1n }],
    ['i64', { type: 'i64', value: -1n }],
    ['yes', { type: 'bool', value: true }],
    ['text', { type: 'string', value: 'schön\n' }],
    ['none', { type: 'string', value: '' }],
    ['texts', { type: 'array', of: 'string', value: ['Ġ', '', 'b'] }],
    ['bools', { type: 'array', of: 'bool', value: Uint8Array.of(0, 1) }],
    ['halves', { type: 'array', of: 'i16', value: Int16Array.of(-1, 2).subarray(1) }],
    ['longs', { type: 'array', of: 'u64', value: BigUint64Array.of(5n) }],
  ]);
  const tensors = [
    {
      ...floats('x', 1, 2, 3),
      async *bytes() {
        yield f32(1);
        yield f32(2, 3);
      },
    },
    source('scalar', 'I32', [], Uint8Array.of(1, 0, 0, 0)),
    source(
      'y',
      'F16',
      [2, 1, 3],
      Uint8Array.from({ length: 12 }, (_, i) => i),
    ),
  ];
  const { bytes } = await writeGguf(file, { metadata, tensors });
  expect(bytes).toBe(ggufSize(file, { metadata, tensors }));
  const gguf = await openGguf(file);
  expect(new Map(gguf.metadata)).toEqual(
    new Map([...metadata, ['halves', { type: 'array', of: 'i16', value: Int16Array.of(2) }]]),
  );
  expect([...gguf.tensors.values()].map(({ name, shape }) => [name, shape])).toEqual([
    ['x', [3]],
    ['scalar', []],
    ['y', [2, 1, 3]],
  ]);
  expect(await gguf.read('x')).toEqual(f32(1, 2, 3));
  expect(await gguf.read('y')).toEqual(Uint8Array.from({ length: 12 }, (_, i) => i));
  await gguf.close();
});

it('gives back what it was given, whatever sizes tensors have', async () => {
  const lengths = fc.array(fc.nat(70), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.constantFrom(1, 32, 4096), async (sizes, alignment) => {
      const tensors = sizes.map((n, i) =>
        source(
          `t${i}`,
          'I8',
          [n],
          Uint8Array.from({ length: n }, (_, j) => i + j),
        ),
      );
      await writeGguf(file, { metadata: new Map([['general.alignment', { type: 'u32', value: alignment }]]), tensors });
      const gguf = await openGguf(file);
      for (const { name, bytes } of tensors) expect(await gguf.read(name)).toEqual(await bytes());
      await gguf.close();
    }),
    { numRuns: 40 },
  );
});

it.each<[string, GgufTensorSource[], Map<string, GgufValue>]>([
  ['gguf-duplicate-tensor', [floats('x', 1), floats('x', 2)], keys],
  ['gguf-name', [floats('x'.repeat(64), 1)], keys],
  ['gguf-row', [source('x', 'Q4_0', [2, 9], block)], keys],
  ['gguf-truncated', [{ ...floats('x', 1, 2), shape: [200] }], keys],
  ['gguf-alignment', [], new Map([['general.alignment', { type: 'u32', value: 3 }]])],
  ['gguf-key', [], new Map([['', { type: 'bool', value: true }]])],
  ['tensor-size', [{ ...floats('x', 1, 2), bytes: async () => f32(1) }], keys],
])('refuses with %s and leaves no file', async (code, tensors, metadata) => {
  const writing = async () => writeGguf(file, { metadata, tensors });
  await expect(writing()).rejects.toMatchObject({ name: 'CompressError', code });
  expect(await readdir(folder)).toEqual([]);
});
