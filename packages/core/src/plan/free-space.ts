import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Bytes free for us where `path` is or will be made. */
export async function freeSpace(path: string): Promise<number> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) throw error;
    }
  }
}
