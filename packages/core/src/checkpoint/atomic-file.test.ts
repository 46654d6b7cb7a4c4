import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileAtomic, writeTemporary } from './atomic-file.ts';
import { sha256OfFile } from './sha256-of-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-atomic-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('writes text and bytes, replaces what was there and returns size and sha256', async () => {
  const path = join(folder, 'config.json');
  // sha256("abc"), FIPS 180-2, appendix B.1.
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  await writeFile(`${path}.partial`, 'what a killed run left, longer than the new text');
  expect(await writeFileAtomic(path, 'abc')).toEqual({ file: 'config.json', bytes: 3, sha256 });
  expect(await sha256OfFile(path)).toBe(sha256);
  await writeFileAtomic(path, new TextEncoder().encode('é'));
  expect(await readFile(path, 'utf8')).toBe('é');
  expect(await readdir(folder)).toEqual(['config.json']);
});

it('fails without a trace where a piece or the folder fails', async () => {
  const path = join(folder, 'x');
  await writeFileAtomic(path, 'old');
  async function* pieces() {
    yield Uint8Array.of(1);
    throw new Error('the second piece fails');
  }
  await expect(writeTemporary(path, pieces())).rejects.toThrow('the second piece fails');
  expect(await readdir(folder)).toEqual(['x']);
  expect(await readFile(path, 'utf8')).toBe('old');
  await expect(writeFileAtomic(join(folder, 'none', 'x'), '')).rejects.toMatchObject({ code: 'ENOENT' });
});

it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
  await symlink('/dev/full', join(folder, 'x.partial'));
  await expect(writeFileAtomic(join(folder, 'x'), 'abc')).rejects.toMatchObject({
    name: 'CompressError',
    code: 'disk-full',
  });
  expect(await readdir(folder)).toEqual([]);
});

it('hashes files longer than one piece', async () => {
  const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => i % 251);
  const { sha256 } = await writeFileAtomic(join(folder, 'big'), bytes);
  expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(await sha256OfFile(join(folder, 'big'))).toBe(sha256);
});
