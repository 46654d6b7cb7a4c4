import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CompressError } from '../errors.ts';
import { syncFolder, temporaryName } from './atomic-file.ts';
import type { TensorInfo } from './checkpoint.ts';
import { findTensor } from './find-tensor.ts';
import { safetensorsLayout } from './safetensors-layout.ts';
import { tensorStarts } from './write-safetensors.ts';

/** A safetensors file whose tensors come in pieces, in any order. */
export interface SafetensorsWriter {
  /** Writes bytes of a tensor from byte `at` on; every byte is to be written once. */
  write(name: string, bytes: Uint8Array, at?: number): Promise<void>;
  /** Gives the file its name. Throws a `TypeError` if a tensor has not all of its bytes. */
  finish(): Promise<void>;
  /** Removes what was written; nothing after {@link finish}. */
  discard(): Promise<void>;
}

/**
 * Begins a safetensors file of known shapes, in the canonical form of the reference writer, under `<file>.partial`: a file of the name `file` is there
 * when it is whole. Throws `CompressError` `file-unwritable`, `tensor-name`, `tensor-size`, and when writing `disk-full`.
 */
export async function createSafetensors(
  file: string,
  tensors: readonly TensorInfo[],
  metadata: Readonly<Record<string, string>>,
): Promise<SafetensorsWriter> {
  const layout = safetensorsLayout(tensors, metadata, file);
  const starts = tensorStarts(layout);
  const infos = { location: file, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
  const left = new Map(tensors.map(({ name, byteLength }) => [name, byteLength]));
  const partial = temporaryName(file);
  const handle = await open(partial, 'w').catch((cause: NodeJS.ErrnoException) => {
    throw new CompressError('file-unwritable', `This file cannot be written (${cause.code}).`, { file }, { cause });
  });
  let closed = false;

  async function put(bytes: Uint8Array, position: number): Promise<void> {
    try {
      // A `write` may take fewer bytes than it is given (at most 2 GiB on Linux).
      for (let done = 0; done < bytes.byteLength; )
        done += (await handle.write(bytes, done, Math.min(bytes.byteLength - done, 1 << 30), position + done))
          .bytesWritten;
    } catch (cause) {
      if (!['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
      throw new CompressError('disk-full', 'The disk is full: make room and start again.', { file }, { cause });
    }
  }

  async function discard(): Promise<void> {
    if (closed) return;
    closed = true;
    await handle.close();
    await rm(partial, { force: true });
  }

  await put(layout.head, 0).catch(async (error) => {
    await discard();
    throw error;
  });
  return {
    discard,
    async write(name, bytes, at = 0) {
      const { byteLength } = findTensor(infos, name);
      if (at + bytes.byteLength > byteLength) throw new TypeError(`${name} has ${byteLength} bytes and no more`);
      await put(bytes, starts.get(name)! + at);
      left.set(name, left.get(name)! - bytes.byteLength);
    },
    async finish() {
      for (const [name, bytes] of left)
        if (bytes !== 0) throw new TypeError(`${bytes} bytes of ${name} were not written`);
      await handle.sync();
      closed = true;
      await handle.close();
      await rename(partial, file);
      await syncFolder(dirname(file));
    },
  };
}
