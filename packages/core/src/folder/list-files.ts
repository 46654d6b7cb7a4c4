import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of what lies in a folder, sorted: files and empty folders, and what its folders hold as `folder/name`, no deeper. */
export async function listFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const inner = entry.isDirectory() ? await readdir(join(folder, entry.name)) : [];
    names.push(...(inner.length > 0 ? inner.map((name) => `${entry.name}/${name}`) : [entry.name]));
  }
  return names.sort();
}
