import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { run } from '../run.ts';

const tarballs = inject('tarballs');

test('every package is built and packed', () => {
  expect(inject('packingError')).toBe('');
  const names = tarballs.map((path) => basename(path).replace(/-\d.*/, ''));
  const folders = ['cli', ...readdirSync(new URL('../../packages', import.meta.url))].sort();
  expect(names.sort()).toEqual(folders.map((name) => `compress-${name}`));
});

describe.each(tarballs.map((path) => [basename(path), path]))('%s', (_name, path) => {
  test('publint has nothing to say', async () => {
    const { ok, output } = await run(['publint', 'run', path, '--strict']);
    expect(ok, output).toBe(true);
  });

  test('its types are right for every ESM consumer', async () => {
    const { ok, output } = await run(['attw', path, '--profile', 'esm-only', '--no-color']);
    expect(ok, output).toBe(true);
  });

  test('its manifest means something outside the workspace', async () => {
    const manifest = (await run(['tar', '-xzOf', path, 'package/package.json'])).output;
    expect(manifest).not.toMatch(/workspace:|catalog:|@compress\/source/);
  });

  test('it holds built files, its types, a licence and a page, and no tests', async () => {
    const files = (await run(['tar', '-tzf', path])).output.trim().split('\n');
    for (const file of ['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'README.md', 'package.json'])
      expect(files).toContain(`package/${file}`);
    expect(files.filter((file) => /\.test\.|\/src\//.test(file))).toEqual([]);
  });
});
