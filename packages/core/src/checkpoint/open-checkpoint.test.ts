import { appendFile, link, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TensorSource } from './checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { openSafetensors } from './open-safetensors.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-open-'));
});
afterEach(() => rm(folder, { recursive: true }));

function bytes(name: string, values: number[]): TensorSource {
  return {
    name,
    dtype: 'U8',
    shape: [values.length],
    byteLength: values.length,
    bytes: async () => Uint8Array.from(values),
  };
}

const INDEX = 'model.safetensors.index.json';
const FIRST = 'model-00001-of-00002.safetensors';
const SECOND = 'model-00002-of-00002.safetensors';

/** Tensor `a` in the first shard, `b` in the second. */
const twoShards = () => writeCheckpoint(folder, [bytes('a', [1]), bytes('b', [2])], { maxShardBytes: 1 });
const index = (weightMap: object | string) =>
  writeFile(join(folder, INDEX), typeof weightMap === 'string' ? weightMap : JSON.stringify({ weight_map: weightMap }));

describe('one file', () => {
  it('is read by range, each time into an array of its own', async () => {
    await writeCheckpoint(folder, [bytes('a', [1, 2, 3, 4, 5]), bytes('b', [6])]);
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.files).toEqual([join(folder, 'model.safetensors')]);
    expect(checkpoint.location).toBe(folder);
    const part = await checkpoint.read('a', { start: 1, end: 4 });
    expect(part).toEqual(Uint8Array.of(2, 3, 4));
    part.fill(0);
    expect(await checkpoint.read('a')).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
    expect(await checkpoint.read('a', { start: 2, end: 2 })).toEqual(new Uint8Array());
    for (const range of [
      { start: 0, end: 6 },
      { start: -1, end: 1 },
      { start: 2, end: 1 },
      { start: 0.5, end: 1 },
    ]) {
      await expect(checkpoint.read('a', range)).rejects.toMatchObject({ code: 'range-invalid' });
    }
    await expect(checkpoint.read('c')).rejects.toMatchObject({ code: 'tensor-missing' });
    await checkpoint.close();
  });

  it.each([
    ['shrinks', (file: string) => truncate(file, 100)],
    ['grows', (file: string) => appendFile(file, 'x')],
  ])('that %s under the reader is an error', async (_, change) => {
    await writeCheckpoint(folder, [bytes('a', [1, 2, 3])]);
    const checkpoint = await openCheckpoint(folder);
    await change(join(folder, 'model.safetensors'));
    await expect(checkpoint.read('a')).rejects.toMatchObject({ code: 'file-changed' });
    await checkpoint.close();
  });

  it('that is missing is an error that names it', async () => {
    await expect(openSafetensors(join(folder, 'x.safetensors'))).rejects.toMatchObject({ code: 'checkpoint-missing' });
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint-missing' });
  });
});

describe('shards', () => {
  it('are one checkpoint', async () => {
    await twoShards();
    const checkpoint = await openCheckpoint(folder);
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect(await checkpoint.read('b')).toEqual(Uint8Array.of(2));
    expect(checkpoint.files).toEqual([INDEX, FIRST, SECOND].map((file) => join(folder, file)));
    await expect(checkpoint.read('c')).rejects.toMatchObject({ code: 'tensor-missing' });
    await checkpoint.close();
  });

  it('beside a single file that the index does not name are ambiguous', async () => {
    await writeCheckpoint(join(folder, 'other'), [bytes('a', [1])]);
    await twoShards();
    await link(join(folder, 'other', 'model.safetensors'), join(folder, 'model.safetensors'));
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ code: 'checkpoint-ambiguous' });
  });

  it.each([
    ['no JSON', 'index-invalid', 'weight_map'],
    ['no weight_map', 'index-invalid', '{}'],
    ['text behind it', 'index-invalid', '{"weight_map":{}}{}'],
    ['a weight_map that is no object', 'index-invalid', '{"weight_map":[]}'],
    ['a tensor twice', 'index-invalid', `{"weight_map":{"a":"${FIRST}","a":"${SECOND}","b":"${SECOND}"}}`],
    ['nesting without end', 'index-invalid', '['.repeat(100_000)],
    ['a place that is no string', 'index-invalid', { a: FIRST, b: 2 }],
    ['a shard that is not there', 'shard-missing', { a: FIRST, b: SECOND, c: 'model-00003-of-00003.safetensors' }],
    ['a tensor that its shard lacks', 'index-mismatch', { a: FIRST, b: SECOND, c: SECOND }],
    ['a tensor in the wrong shard', 'index-mismatch', { a: SECOND, b: SECOND }],
    ['a tensor of a shard left out', 'index-mismatch', { b: SECOND, a2: FIRST }],
    ['a path upwards', 'shard-name', { a: `../${FIRST}`, b: SECOND }],
    ['an absolute path', 'shard-name', { a: '/etc/model.safetensors', b: SECOND }],
    ['a path downwards', 'shard-name', { a: `x/${FIRST}`, b: SECOND }],
    ['a backslash', 'shard-name', { a: `..\\${FIRST}`, b: SECOND }],
    ['a file that is no safetensors', 'shard-name', { a: 'config.json', b: SECOND }],
    ['a zero byte', 'shard-name', { a: 'x\0.safetensors', b: SECOND }],
    ['nothing but dots', 'shard-name', { a: '..', b: SECOND }],
  ])('are refused when the index has %s', async (_, code, weightMap) => {
    await twoShards();
    await index(weightMap);
    await expect(openCheckpoint(folder)).rejects.toMatchObject({ name: 'CompressError', code });
  });
});

describe('symbolic links', () => {
  /** Moves a file away and leaves a link to it. */
  async function replaceByLink(file: string, target: string, linked = target): Promise<void> {
    await rename(file, target);
    await symlink(linked, file);
  }

  it('that leave the folder are refused, for shards and for a single file', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    const model = join(folder, 'model');
    await writeCheckpoint(model, [bytes('a', [1]), bytes('b', [2])], { maxShardBytes: 1 });
    await replaceByLink(join(model, FIRST), join(outside, FIRST));
    await expect(openCheckpoint(model)).rejects.toMatchObject({ code: 'file-outside' });
    const single = join(folder, 'single');
    await writeCheckpoint(single, [bytes('a', [1])]);
    await replaceByLink(join(single, 'model.safetensors'), join(outside, 'x'), '../outside/x');
    await expect(openCheckpoint(single)).rejects.toMatchObject({ code: 'file-outside' });
  });

  it('inside the folder are followed', async () => {
    await twoShards();
    await replaceByLink(join(folder, FIRST), join(folder, 'renamed'), 'renamed');
    await (await openCheckpoint(folder)).close();
  });

  it('of the Hugging Face cache are followed, also when the folder itself is reached by a link', async () => {
    const repository = join(folder, 'models--owner--name');
    const snapshot = join(repository, 'snapshots', '0123abcd');
    await mkdir(join(repository, 'blobs'), { recursive: true });
    await writeCheckpoint(snapshot, [bytes('a', [1]), bytes('b', [2])], { maxShardBytes: 1 });
    await replaceByLink(join(snapshot, FIRST), join(repository, 'blobs', 'hash1'), '../../blobs/hash1');
    await replaceByLink(join(snapshot, SECOND), join(repository, 'blobs', 'hash2'), '../../blobs/hash2');
    await symlink(snapshot, join(folder, 'link'));
    for (const path of [snapshot, join(folder, 'link')]) {
      const checkpoint = await openCheckpoint(path);
      expect(await checkpoint.read('b')).toEqual(Uint8Array.of(2));
      await checkpoint.close();
    }
  });

  it('from a snapshot to the blobs of another repository are refused', async () => {
    const snapshot = join(folder, 'models--owner--name', 'snapshots', '0123abcd');
    const blobs = join(folder, 'models--owner--secret', 'blobs');
    await mkdir(blobs, { recursive: true });
    await writeCheckpoint(snapshot, [bytes('a', [1])]);
    await replaceByLink(join(snapshot, 'model.safetensors'), join(blobs, 'hash'));
    await expect(openCheckpoint(snapshot)).rejects.toMatchObject({ code: 'file-outside' });
  });
});
