import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';

/** Versions of the packages that decide a run's bytes, for the manifest: the rooms, and the packages of the algorithms used. */
export async function packageVersions(algorithms: readonly string[]): Promise<Record<string, string>> {
  const names = ['kernels', 'core', 'models', 'formats', ...algorithms].map((room) => `@compress/${room}`);
  const versions: Record<string, string> = {};
  for (const name of new Set(names)) versions[name] = await versionOf(name);
  return versions;
}

async function versionOf(name: string): Promise<string> {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`${name} has no package.json`);
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}
