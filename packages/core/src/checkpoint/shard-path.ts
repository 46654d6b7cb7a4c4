import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CompressError } from '../errors.ts';

/**
 * The path of a checkpoint's file, proven to lie in its folder: `name` is a bare file name, and a symbolic link may lead only to a
 * file of the same folder or, as the Hugging Face cache lays models out, from `snapshots/<revision>/` to `blobs/` of the same
 * repository. An index is data from a stranger: without this it could name any file of the machine. Throws `CompressError`
 * `shard-name`, `shard-missing`, `shard-outside`.
 */
export async function shardPath(folder: string, name: string): Promise<string> {
  if (!/^[^/\\\0]+\.safetensors$/.test(name)) {
    throw new CompressError(
      'shard-name',
      `A shard must be a bare file name that ends in .safetensors, not ${JSON.stringify(name)}.`,
      { file: folder },
    );
  }
  const path = join(folder, name);
  const real = await realpath(path).catch((cause) => {
    throw new CompressError(
      'shard-missing',
      'The file is not there: download the model again.',
      { file: path },
      { cause },
    );
  });
  const home = await realpath(folder);
  if (dirname(real) !== home && dirname(real) !== blobs(home)) {
    throw new CompressError(
      'shard-outside',
      `The link leads out of the model's folder, to ${real}: put the file itself there.`,
      {
        file: path,
      },
    );
  }
  return path;
}

/** The `blobs` folder that belongs to a folder at or below `snapshots/<revision>`. */
function blobs(home: string): string | undefined {
  for (let folder = home; folder !== dirname(folder); folder = dirname(folder)) {
    if (basename(dirname(folder)) === 'snapshots') return join(dirname(dirname(folder)), 'blobs');
  }
  return undefined;
}
