import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { BUILD_SCRIPTS, BUILD_TYPES } from '../build.ts';
import { run } from '../run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Paths of the packed packages, as they would be published. */
    tarballs: string[];
    /** What building or packing said when it failed: for a test to fail with, since an error here would end every other test too. */
    packingError: string;
  }
}

/** Builds and packs every package once for the tests of this room. */
export default async function pack(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-packed-'));
  const packing = ['pnpm', '-r', '--filter=./packages/*', '--filter=./apps/*', 'pack', '--pack-destination', folder];
  let error = '';
  for (const command of [BUILD_SCRIPTS, BUILD_TYPES, packing]) {
    const { ok, output } = await run(command);
    if (!ok) error += `\`${command.join(' ')}\` failed:\n${output}`;
  }
  const names = await readdir(folder);
  project.provide('packingError', error);
  project.provide(
    'tarballs',
    names.sort().map((name) => join(folder, name)),
  );
  return () => rm(folder, { recursive: true });
}
