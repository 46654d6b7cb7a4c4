import { type FileHandle, open } from 'node:fs/promises';
import { CompressError } from '../errors.ts';

/** A file that is read by position. */
export interface OpenedFile {
  readonly size: number;
  /**
   * `length` bytes from `position` on, in an array of their own. Throws `CompressError` `file-changed` if the file is no longer as long as it was when it
   * was opened, or ends before.
   */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Ends reading. */
  close(): Promise<void>;
}

/** Opens a file for reading. Throws `CompressError` `checkpoint-missing` where it cannot be opened. */
export async function openFile(file: string): Promise<OpenedFile> {
  const handle = await openHandle(file);
  const { size } = await handle.stat();
  return {
    size,
    async read(position, length) {
      if ((await handle.stat()).size !== size) throw changed(file);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        // One read call takes at most 2 GiB.
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 1 << 30), position + done);
        if (bytesRead === 0) throw changed(file);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

async function openHandle(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new CompressError('checkpoint-missing', `The file cannot be opened (${why}).`, { file }, { cause });
  }
}

function changed(file: string): CompressError {
  return new CompressError('file-changed', 'The file changed while it was read: leave it alone during a run.', {
    file,
  });
}
