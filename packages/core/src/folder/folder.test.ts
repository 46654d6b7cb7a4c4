import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { carriedFiles } from '../walk/source-files.ts';
import { folderFile, nestedFile } from './folder-file.ts';
import { listFiles } from './list-files.ts';
import { readModelConfig } from './read-model-config.ts';
import { parseJson, readModelText } from './read-model-json.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'compress-folder-'));
  folder = join(root, 'model');
  await mkdir(folder);
  await writeFile(join(root, 'secret'), '{"key": 1}');
});
afterEach(() => rm(root, { recursive: true }));

describe('a file of a folder', () => {
  it('is found, or is not there', async () => {
    await writeFile(join(folder, 'config.json'), '{}');
    await symlink('config.json', join(folder, 'again.json'));
    expect(await folderFile(folder, 'config.json')).toBe(join(folder, 'config.json'));
    expect(await folderFile(folder, 'again.json')).toBe(join(folder, 'again.json'));
    expect(await folderFile(folder, 'none.json')).toBeUndefined();
    expect(await folderFile(join(root, 'nowhere'), 'config.json')).toBeUndefined();
  });

  it.each(['../secret', '/etc/hostname', 'x/../../secret', '.', '..', ''])('cannot be named %j', async (name) => {
    await expect(folderFile(folder, name)).rejects.toMatchObject({ code: 'file-outside' });
  });

  it('may lie in a folder of it, but in no link to one', async () => {
    await mkdir(join(folder, 'onnx'));
    await writeFile(join(folder, 'onnx', 'model'), '');
    await mkdir(join(folder, 'empty'));
    await symlink(root, join(folder, 'link'));
    expect(await nestedFile(folder, 'onnx/model')).toBe(join(folder, 'onnx', 'model'));
    expect(await nestedFile(folder, 'onnx/none')).toBeUndefined();
    expect(await nestedFile(folder, 'none/model')).toBeUndefined();
    expect(await listFiles(folder)).toEqual(['empty', 'link', 'onnx/model']);
    for (const name of [
      '../secret',
      '/etc/hostname',
      'onnx/../../secret',
      'onnx/',
      'onnx/a/b',
      'none/..',
      'link/secret',
    ])
      await expect(nestedFile(folder, name), name).rejects.toMatchObject({ code: 'file-outside' });
  });

  it('is no link to elsewhere, whatever it is for', async () => {
    for (const name of ['config.json', 'LICENSE']) await symlink('../secret', join(folder, name));
    await expect(readModelConfig(folder)).rejects.toMatchObject({ code: 'file-outside' });
    await expect(carriedFiles(folder)).rejects.toMatchObject({ code: 'file-outside' });
  });

  it('is neither a folder, nor a pipe without end, nor a link to nothing', async () => {
    await mkdir(join(folder, 'a'));
    execFileSync('mkfifo', [join(folder, 'b')]);
    await symlink('nothing', join(folder, 'c'));
    for (const name of ['a', 'b', 'c']) {
      await expect(folderFile(folder, name)).rejects.toMatchObject({ code: 'file-kind' });
    }
  });

  it('is not read whole where no model has one so large', async () => {
    await writeFile(join(folder, 'tokenizer.json'), '');
    await truncate(join(folder, 'tokenizer.json'), 100_000_001);
    await expect(readModelText(folder, 'tokenizer.json')).rejects.toMatchObject({ code: 'file-too-large' });
  });
});

describe('JSON', () => {
  const nested = (levels: number) => `${'[{"[[": '.repeat(levels / 2)}0${'}]'.repeat(levels / 2)}`;

  it('may nest 64 levels, and brackets in strings are none', () => {
    expect(() => parseJson(nested(64), 'file', 'x-invalid')).not.toThrow();
    expect(() => parseJson(nested(66), 'file', 'x-invalid')).toThrow(/file: Its values are nested deeper than 64/);
    expect(() => parseJson('['.repeat(1e6), 'file', 'x-invalid')).toThrow(/file: This is not JSON/);
  });

  it('of a configuration must be an object', async () => {
    await expect(readModelConfig(folder)).rejects.toMatchObject({ code: 'config-missing' });
    for (const text of ['', '[]', 'null', '"x"', '{"a":1']) {
      await writeFile(join(folder, 'config.json'), text);
      await expect(readModelConfig(folder)).rejects.toMatchObject({ code: 'config-invalid' });
    }
  });
});
