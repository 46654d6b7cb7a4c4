import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CompressError } from '@compress/core';

/** Fails before any work where a file cannot be written after it. `what` begins the sentence. Throws `CompressError` `usage`. */
export async function checkFolderOf(file: string, what: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new CompressError('usage', `${what} cannot be written: ${(cause as Error).message}.`, { file }, { cause });
  }
}
