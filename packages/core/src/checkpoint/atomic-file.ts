import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CompressError } from '../errors.ts';

/** A file that was written whole. */
export interface WrittenFile {
  /** Name inside its folder. */
  readonly file: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The sibling under which a file is written before it takes its own name. Fixed, so that the next run overwrites what a killed one left. */
export function temporaryName(path: string): string {
  return `${path}.partial`;
}

/** Writes all pieces to `temporaryName(path)` and fsyncs it; the caller renames. The sibling is removed if a piece fails. Throws `CompressError` `disk-full`. */
export async function writeTemporary(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(temporaryName(path), 'w');
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      await writeAll(handle, piece);
      bytes += piece.byteLength;
    }
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close();
    await rm(temporaryName(path), { force: true });
    if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw new CompressError(
        'disk-full',
        'The disk is full: make room and start again.',
        { file: path },
        { cause: error },
      );
    }
    throw error;
  }
  return { file: basename(path), bytes, sha256: hash.digest('hex') };
}

/** A `write` may take fewer bytes than it is given (at most 2 GiB on Linux). */
async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let from = 0; from < piece.byteLength; ) {
    const { bytesWritten } = await handle.write(piece, from, Math.min(piece.byteLength - from, 1 << 30));
    from += bytesWritten;
  }
}

/** Makes renames and removals in a folder last through a power cut. Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file, whole or in pieces, so that a reader meets the old bytes or the new ones and nothing between: `<path>.partial`, fsync,
 * rename, fsync of the folder. The folder must exist. One writer a path at a time. Throws `CompressError` `disk-full`, the file system's
 * other errors as they are, and what the pieces throw.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const written = await writeTemporary(path, bytes instanceof Uint8Array ? [bytes] : bytes);
  await rename(temporaryName(path), path);
  await syncFolder(dirname(path));
  return written;
}
