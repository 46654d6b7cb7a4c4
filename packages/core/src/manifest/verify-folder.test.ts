import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compress } from '../walk/compress.ts';
import { writeToyFolder } from '../walk/toy/toy-folder.ts';
import { toyRequest } from '../walk/toy/toy-request.ts';
import { verifyFolder } from './verify-folder.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-verify-'));
  await writeToyFolder(join(folder, 'model'));
  const request = await toyRequest(join(folder, 'model'), join(folder, 'output'));
  await compress(request);
  await request.checkpoint.close();
});
afterAll(() => rm(folder, { recursive: true }));

test('names each file that is not as the manifest says', async () => {
  const output = join(folder, 'output');
  expect((await verifyFolder(output)).mismatches).toEqual([]);
  await writeFile(join(output, 'report.html'), 'written later, and not listed');
  expect((await verifyFolder(output)).mismatches).toEqual([]);
  await appendFile(join(output, 'config.json'), ' ');
  await writeFile(join(output, 'tokenizer.json'), '{"toy": TRUE}');
  await rm(join(output, 'toy_config.json'));
  await writeFile(join(output, 'model-2.safetensors'), '');
  const { mismatches } = await verifyFolder(output);
  expect(mismatches.map(({ file, problem }) => `${file} ${problem}`)).toEqual([
    'config.json size',
    'tokenizer.json hash',
    'toy_config.json missing',
    'model-2.safetensors extra',
  ]);
});

test('refuses a folder without a manifest, or with one that was changed', async () => {
  await expect(verifyFolder(join(folder, 'model'))).rejects.toMatchObject({ code: 'manifest-missing' });
  await writeFile(join(folder, 'model', 'manifest.json'), '{"program": "compress", "version": 2}');
  await expect(verifyFolder(join(folder, 'model'))).rejects.toMatchObject({ code: 'manifest-invalid' });
});
