import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import { folderFile } from '../folder/folder-file.ts';

/**
 * The path of a shard that an index names, proven to be a file of the folder. Throws `CompressError` `shard-name` for more than a bare
 * file name that ends in `extension`, `shard-missing`, and those of {@link folderFile}.
 */
export async function shardPath(folder: string, name: string, extension: string): Promise<string> {
  if (!/^[^/\\\0]+$/.test(name) || !name.endsWith(extension) || name === extension) {
    throw new CompressError(
      'shard-name',
      `A shard must be a bare file name that ends in ${extension}, not ${JSON.stringify(name.slice(0, 200))}.`,
      { file: folder },
    );
  }
  const path = await folderFile(folder, name);
  if (path !== undefined) return path;
  throw new CompressError('shard-missing', 'The file is not there: download the model again.', {
    file: join(folder, name),
  });
}
