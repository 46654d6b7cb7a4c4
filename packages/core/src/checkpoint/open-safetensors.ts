import { type FileHandle, open } from 'node:fs/promises';
import { CompressError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkRange, findTensor } from './find-tensor.ts';
import { parseSafetensorsHeader, safetensorsHeaderLength } from './safetensors-header.ts';

/** One safetensors file as a checkpoint. */
export interface SafetensorsFile extends Checkpoint {
  /** `__metadata__` of the header. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens one safetensors file: reads and proves its header; tensors are read later, by position. Throws `CompressError`
 * `checkpoint-missing` if there is no such file, and every `safetensors-...` error of the header's parser.
 */
export async function openSafetensors(file: string): Promise<SafetensorsFile> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    const first = await readAt(handle, 0, Math.min(8, size), file);
    const length = safetensorsHeaderLength(first, size, file);
    const { tensors, metadata } = parseSafetensorsHeader(await readAt(handle, 8, length, file), size, file);

    return {
      tensors,
      metadata,
      location: file,
      files: [file],
      async read(name, range) {
        const tensor = findTensor({ location: file, tensors }, name);
        const { start, end } = checkRange(range, tensor.byteLength, file, name);
        if ((await handle.stat()).size !== size) throw changed(file);
        return readAt(handle, tensor.start + start, end - start, file);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (cause) {
    throw new CompressError(
      'checkpoint-missing',
      `The file cannot be opened (${(cause as NodeJS.ErrnoException).code}).`,
      { file },
      { cause },
    );
  }
}

async function readAt(handle: FileHandle, position: number, length: number, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    // One read call takes at most 2 GiB.
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, 1 << 30), position + done);
    if (bytesRead === 0) throw changed(file);
    done += bytesRead;
  }
  return bytes;
}

function changed(file: string): CompressError {
  return new CompressError('file-changed', 'The file changed while it was read: leave it alone during a run.', {
    file,
  });
}
