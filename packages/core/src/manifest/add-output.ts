import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic-file.ts';
import { MANIFEST_FILE, type Manifest } from './manifest.ts';

/**
 * Adds a file to an output folder, or replaces it, and lists it in the manifest, which is returned. A kill between the two is seen by `verifyFolder`,
 * and mended by doing it again.
 */
export async function addOutput(
  folder: string,
  manifest: Manifest,
  { file, content }: { readonly file: string; readonly content: string },
): Promise<Manifest> {
  const { bytes, sha256 } = await writeFileAtomic(join(folder, file), content);
  const outputs = Object.entries({ ...manifest.outputs, [file]: { bytes, sha256 } }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const extended = { ...manifest, outputs: Object.fromEntries(outputs) };
  await writeFileAtomic(join(folder, MANIFEST_FILE), `${JSON.stringify(extended, undefined, 2)}\n`);
  return extended;
}
