import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { ROOT, run } from '../run.ts';
import { type Registry, startRegistry } from './registry.ts';

let folder: string;
let consumer: string;
let registry: Registry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-registry-'));
  consumer = join(folder, 'consumer');
  registry = await startRegistry(join(folder, 'registry'));
  await mkdir(consumer);
  await writeFile(join(consumer, '.npmrc'), registry.npmrc);
  await writeFile(join(consumer, 'package.json'), '{ "private": true }\n');
  for (const tarball of inject('tarballs')) await succeed('pnpm', 'publish', tarball, '--no-git-checks');
}, 120_000);

afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});

/** Runs a program in the consumer's folder and returns what it printed. */
async function succeed(...command: string[]): Promise<string> {
  const { ok, output } = await run(command, { folder: consumer });
  expect(ok, `${command.join(' ')}\n${output}`).toBe(true);
  return output;
}

/** The first TypeScript example of the README. */
async function example(): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  return /```ts\n(.*?)```/s.exec(readme)![1];
}

test('`pnpm add @compress/gptq` in an empty folder is enough for the example of the README', async () => {
  // A store and a cache of its own: the same version of a package may have had other bytes yesterday.
  await succeed(
    'pnpm',
    'add',
    '@compress/gptq',
    '--store-dir',
    join(folder, 'store'),
    '--cache-dir',
    join(folder, 'cache'),
  );
  await writeFile(join(consumer, 'example.ts'), await example());
  const printed = await succeed('node', 'example.ts');
  const [loss, nearest] = [...printed.matchAll(/\d+\.\d+/g)].map(Number);
  expect(loss).toBeGreaterThan(0);
  expect(loss).toBeLessThan(nearest);
}, 120_000);
