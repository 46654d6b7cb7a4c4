import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../checkpoint/sha256-of-file.ts';
import { CompressError } from '../errors.ts';
import { nestedFile } from '../folder/folder-file.ts';
import { listFiles } from '../folder/list-files.ts';
import { readModelJson } from '../folder/read-model-json.ts';
import { MANIFEST_FILE, type Manifest, manifestSchema, UNLISTED_FILES } from './manifest.ts';

/** One file that is not as the manifest says. */
export interface Mismatch {
  readonly file: string;
  readonly problem: 'missing' | 'extra' | 'size' | 'hash';
  /** A whole sentence. */
  readonly message: string;
}

/** What `verifyFolder` found: the folder is proven if there are no mismatches. */
export interface Verification {
  readonly manifest: Manifest;
  readonly mismatches: readonly Mismatch[];
  /** Bytes that were hashed. */
  readonly bytes: number;
}

/** The manifest of a folder. Throws `CompressError` `manifest-missing` or `manifest-invalid`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, MANIFEST_FILE);
  const value = await readModelJson(folder, MANIFEST_FILE, 'manifest-invalid');
  if (value === undefined) {
    throw new CompressError('manifest-missing', 'There is no manifest to read; is this an output folder?', { file });
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  throw new CompressError(
    'manifest-invalid',
    'This is not a manifest of this program, or it was changed.',
    { file },
    { cause: result.error },
  );
}

/** Proves a folder against its manifest: every file there, none besides, each with its length and sha256. Throws as {@link readManifest}, and `file-outside` for a name that leads out of the folder. */
export async function verifyFolder(folder: string): Promise<Verification> {
  const manifest = await readManifest(folder);
  const mismatches: Mismatch[] = [];
  let bytes = 0;
  for (const [file, expected] of Object.entries(manifest.outputs)) {
    const path = await nestedFile(folder, file);
    if (path === undefined) {
      mismatches.push({ file, problem: 'missing', message: `${file} is in the manifest but not in the folder.` });
      continue;
    }
    const { size } = await stat(path);
    if (size !== expected.bytes) {
      mismatches.push({ file, problem: 'size', message: `${file} has ${size} bytes, not ${expected.bytes}.` });
    } else {
      bytes += size;
      const sha256 = await sha256OfFile(path);
      if (sha256 !== expected.sha256)
        mismatches.push({
          file,
          problem: 'hash',
          message: `${file} has the sha256 ${sha256}, not ${expected.sha256}.`,
        });
    }
  }
  for (const file of await listFiles(folder))
    if (!Object.hasOwn(manifest.outputs, file) && !UNLISTED_FILES.includes(file))
      mismatches.push({ file, problem: 'extra', message: `${file} is in the folder but not in the manifest.` });
  return { manifest, mismatches, bytes };
}
