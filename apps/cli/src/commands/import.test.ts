import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

it('refuses what is no GGUF file, and writes nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'compress-cli-import-'));
  await writeFile(join(directory, 'notes.gguf'), 'a text, and no model, of some length');
  const { code, json } = await runInFolder(directory, ['import', 'notes.gguf', 'out', '--json', '--threads', '1']);
  expect(code).toBe(EXIT.failure);
  expect(json().errors).toMatchObject([{ code: 'gguf-magic', file: join(directory, 'notes.gguf') }]);
  expect(await readdir(directory)).toEqual(['notes.gguf']);
  await rm(directory, { recursive: true });
});
