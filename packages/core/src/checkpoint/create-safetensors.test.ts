import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TensorInfo } from './checkpoint.ts';
import { createSafetensors } from './create-safetensors.ts';
import { openSafetensors } from './open-safetensors.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-create-'));
});
afterAll(() => rm(folder, { recursive: true }));

const infos: TensorInfo[] = [
  { name: 'b', dtype: 'F32', shape: [3], byteLength: 12 },
  { name: 'a', dtype: 'U8', shape: [5], byteLength: 5 },
  { name: 'empty', dtype: 'F64', shape: [0], byteLength: 0 },
];
const data: Record<string, Uint8Array> = {
  b: new Uint8Array(12).fill(7),
  a: Uint8Array.of(1, 2, 3, 4, 5),
  empty: new Uint8Array(),
};

test('pieces in any order make the file that the writer of checkpoints makes', async () => {
  const file = join(folder, 'pieces.safetensors');
  const writer = await createSafetensors(file, infos, { of: 'test' });
  await writer.write('a', data.a.subarray(3), 3);
  await writer.write('b', data.b);
  expect(await readdir(folder)).toEqual(['pieces.safetensors.partial']);
  await writer.write('a', data.a.subarray(0, 3));
  await writer.finish();
  await writer.discard();
  expect(await readdir(folder)).toEqual(['pieces.safetensors']);
  const whole = join(folder, 'whole');
  await writeCheckpoint(
    whole,
    infos.map((info) => ({ ...info, bytes: async () => data[info.name] })),
    { metadata: { of: 'test' } },
  );
  expect(await readFile(file)).toEqual(await readFile(join(whole, 'model.safetensors')));
  const opened = await openSafetensors(file);
  expect(await opened.read('a')).toEqual(data.a);
  await opened.close();
});

test('half a file never gets the name, and a discarded one leaves nothing', async () => {
  const file = join(folder, 'half.safetensors');
  const writer = await createSafetensors(file, infos, {});
  await writer.write('b', data.b);
  await expect(writer.finish()).rejects.toThrow('5 bytes of a were not written');
  await expect(writer.write('a', data.a, 1)).rejects.toThrow('a has 5 bytes and no more');
  await expect(writer.write('c', data.a)).rejects.toMatchObject({ code: 'tensor-missing' });
  await writer.discard();
  expect((await readdir(folder)).filter((name) => name.startsWith('half'))).toEqual([]);
  await expect(createSafetensors(join(folder, 'no/where'), infos, {})).rejects.toMatchObject({
    code: 'file-unwritable',
  });
});
