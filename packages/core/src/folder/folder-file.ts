import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CompressError } from '../errors.ts';

/**
 * The path of a file of a model's folder, or undefined where nothing has that name; proven to be a regular file that lies in the folder: a
 * symbolic link may lead only to a file of the same folder or, as the Hugging Face cache lays models out, from `snapshots/<revision>/` to
 * `blobs/` of the same repository. A model is data from a stranger: without this its index or a link in it could have any file of the
 * machine read, and copied into what is published. Throws `CompressError` `file-outside`, `file-kind`.
 */
export async function folderFile(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  if (dirname(path) !== join(folder)) throw outside(path, `${JSON.stringify(name)} is no bare file name`);
  if (!(await isThere(path))) return undefined;
  const real = await realpath(path).catch((cause) => {
    throw new CompressError('file-kind', 'The link leads nowhere: get the file again.', { file: path }, { cause });
  });
  const home = await realpath(folder);
  if (dirname(real) !== home && dirname(real) !== blobs(home)) throw outside(path, `the link leads to ${real}`);
  // A pipe would be waited for without end, and a device read without end.
  if (!(await stat(real)).isFile()) {
    throw new CompressError('file-kind', 'This is a folder or a device where a file must be.', { file: path });
  }
  return path;
}

/**
 * As {@link folderFile}, of a file that may lie in a folder of the model's folder (`onnx/model.onnx`), which is no link. Throws `CompressError` `file-outside`,
 * `file-kind`.
 */
export async function nestedFile(folder: string, name: string): Promise<string | undefined> {
  const [inner, ...rest] = name.split('/');
  if (rest.length === 0 || ['', '.', '..'].includes(inner)) return folderFile(folder, name);
  const place = join(folder, inner);
  if ((await isThere(place)) && (await lstat(place)).isSymbolicLink()) throw outside(place, 'it is a link');
  return folderFile(place, rest.join('/'));
}

function outside(file: string, how: string): CompressError {
  return new CompressError(
    'file-outside',
    `The file is not in the model's folder (${how}): put the file itself there.`,
    {
      file,
    },
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** The `blobs` folder that belongs to a folder at or below `snapshots/<revision>`. */
function blobs(home: string): string | undefined {
  for (let folder = home; folder !== dirname(folder); folder = dirname(folder)) {
    if (basename(dirname(folder)) === 'snapshots') return join(dirname(dirname(folder)), 'blobs');
  }
  return undefined;
}
