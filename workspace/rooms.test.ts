import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './run.ts';

/** What each room may import, beside what it installs from elsewhere. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  core: ['kernels'],
  models: ['core', 'kernels'],
  formats: ['core', 'kernels'],
  evaluate: ['core', 'kernels'],
};
/** A folder that is not listed is an algorithm. */
const ALGORITHM = ['core', 'kernels'];

test.each(globSync('packages/*', { cwd: ROOT }))('%s imports only from rooms to its left', (folder) => {
  const room = folder.slice('packages/'.length);
  const allowed = ROOMS[room] ?? ALGORITHM;
  const imported = globSync('src/**/*.ts', { cwd: join(ROOT, folder) }).flatMap((file) => {
    const source = readFileSync(join(ROOT, folder, file), 'utf8');
    return [...source.matchAll(/from '@compress\/([a-z0-9-]+)/g)].map(([, name]) => `${name} in ${file}`);
  });
  expect(imported.filter((entry) => !allowed.includes(entry.split(' ')[0]))).toEqual([]);
});
