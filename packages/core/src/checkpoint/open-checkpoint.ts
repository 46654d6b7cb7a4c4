import { CompressError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type FolderLayout, openFolder } from './open-folder.ts';
import { openSafetensors } from './open-safetensors.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** Safetensors, one file or several. */
export const SAFETENSORS: FolderLayout = {
  single: SINGLE_FILE,
  index: INDEX_FILE,
  extension: '.safetensors',
  open: openSafetensors,
};

/**
 * Opens a model's folder: `model.safetensors`, or the shards of `model.safetensors.index.json`. Throws `CompressError` `checkpoint-missing`, and those
 * of {@link openFolder} and of {@link openSafetensors}.
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const checkpoint = await openFolder(folder, SAFETENSORS);
  if (checkpoint !== undefined) return checkpoint;
  throw new CompressError('checkpoint-missing', `There is neither ${SINGLE_FILE} nor ${INDEX_FILE} in it.`, {
    file: folder,
  });
}
