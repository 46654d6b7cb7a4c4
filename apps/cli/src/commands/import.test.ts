import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { registry } from '../registry.ts';
import { runCli } from '../run-cli.ts';

it('refuses what is no GGUF file, and writes nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'compress-cli-import-'));
  await writeFile(join(directory, 'notes.gguf'), 'a text, and no model, of some length');
  let stdout = '';
  const code = await runCli(['import', 'notes.gguf', 'out', '--json', '--threads', '1'], {
    stdout: (text) => {
      stdout += text;
    },
    progress: { update: () => {}, log: () => {}, clear: () => {} },
    signal: new AbortController().signal,
    directory,
    registry,
    version: '1.2.3',
  });
  expect(code).toBe(EXIT.failure);
  expect(JSON.parse(stdout).errors).toMatchObject([{ code: 'gguf-magic', file: join(directory, 'notes.gguf') }]);
  expect(await readdir(directory)).toEqual(['notes.gguf']);
  await rm(directory, { recursive: true });
});
