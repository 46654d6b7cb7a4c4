import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { readFloat32 } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { f32, GOLDEN, ggufFile, join, key, type Parts, tensor, text, u32, u64 } from './gguf-file.test.fixture.ts';
import { openGguf } from './open-gguf.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'compress-gguf-'));
  file = joinPath(folder, 'model.gguf');
});
afterEach(() => rm(folder, { recursive: true }));

async function openFile(parts: Parts | Uint8Array) {
  await writeFile(file, parts instanceof Uint8Array ? parts : ggufFile(parts));
  return openGguf(file);
}

it('gives quantized tensors decoded, whole and by any range, and others as they lie', async () => {
  const block = (d: number) => Uint8Array.of(0, d, ...Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4)));
  const gguf = await openFile({
    tensors: [tensor('w', [64, 2], 2, 0), tensor('h', [2], 1, 96), tensor('i', [2], 26, 128)],
    data: join(
      ...[0x3c, 0x38, 0x40, 0x34].map(block),
      new Uint8Array(24),
      Uint8Array.of(0, 0x3c, 0, 0xc0),
      new Uint8Array(28),
      u32(1),
      u32(2),
      new Uint8Array(24),
    ),
  });
  expect([...gguf.tensors.values()]).toEqual([
    { name: 'w', type: 'Q4_0', dtype: 'F32', shape: [2, 64], byteLength: 512, decoded: true, codedBytes: 72 },
    { name: 'h', type: 'F16', dtype: 'F16', shape: [2], byteLength: 4 },
    { name: 'i', type: 'I32', dtype: 'I32', shape: [2], byteLength: 8 },
  ]);
  const whole = [1, 0.5, 2, 0.25].flatMap((d) => Array.from({ length: 32 }, (_, j) => ((j < 16 ? j : 31 - j) - 8) * d));
  const kernels = createReferenceKernels();
  expect([...(await readFloat32(gguf, 'w', kernels))]).toEqual(whole);
  expect([...(await readFloat32(gguf, 'w', kernels, { start: 31, end: 66 }))]).toEqual(whole.slice(31, 66));
  expect(await gguf.read('w', { start: 512, end: 512 })).toHaveLength(0);
  expect(await gguf.read('w', { start: 7, end: 9 })).toEqual(f32(...whole).slice(7, 9));
  expect([...(await readFloat32(gguf, 'h', kernels))]).toEqual([1, -2]);
  expect(await gguf.read('i')).toEqual(join(u32(1), u32(2)));
  await expect(gguf.read('w', { start: 0, end: 513 })).rejects.toMatchObject({ code: 'range-invalid' });
  await expect(gguf.read('x')).rejects.toMatchObject({ code: 'tensor-missing' });
  await gguf.close();
});

it('reads a header of more than one megabyte', async () => {
  const tokens = Array.from({ length: 100_000 }, (_, i) => `token ${i}`);
  const gguf = await openFile({
    keys: [key('tokens', 9, u32(8), u64(tokens.length), join(...tokens.map(text)))],
    tensors: [tensor('x', [1], 0, 0)],
    data: join(f32(3), new Uint8Array(28)),
  });
  expect(gguf.metadata.get('tokens')?.value).toEqual(tokens);
  expect(await gguf.read('x')).toEqual(f32(3));
  await gguf.close();
});

it.each<[string, Parts]>([
  ['gguf-split', { keys: [key('split.count', 2, Uint8Array.of(3, 0))] }],
  ['gguf-type-unread', { tensors: [tensor('x', [256], 16, 0)], data: new Uint8Array(96) }],
  ['gguf-magic', { magic: 'GGJT' }],
])('refuses with %s', async (code, parts) => {
  await expect(openFile(parts)).rejects.toMatchObject({ name: 'CompressError', code });
});

it('refuses a missing file, and one that changed since', async () => {
  await expect(openGguf(file)).rejects.toMatchObject({ code: 'checkpoint-missing' });
  const gguf = await openFile(GOLDEN);
  await appendFile(file, 'x');
  await expect(gguf.read('a')).rejects.toMatchObject({ code: 'file-changed' });
  await gguf.close();
});
