import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import { folderFile } from '../folder/folder-file.ts';
import { readModelBytes } from '../folder/read-model-json.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import { findTensor } from './find-tensor.ts';
import { shardPath } from './shard-path.ts';
import { readWeightMap } from './weight-map.ts';

/** How a kind of weights lies in a model's folder: by names that every tool of the field agrees on. */
export interface FolderLayout {
  /** Where there is one file. */
  readonly single: string;
  /** Where there are several: JSON whose `weight_map` says which has which tensor. */
  readonly index: string;
  /** What names of shards end in. */
  readonly extension: string;
  /** Opens one of them. */
  open(file: string): Promise<Checkpoint>;
}

/**
 * The weights of one layout in a folder as one checkpoint, or undefined where there are none. Index and shards must agree in both directions. Throws
 * `CompressError` `checkpoint-ambiguous`, `index-invalid`, `index-heavy`, `index-mismatch`, those of `shardPath`, and those of the layout's `open`.
 */
export async function openFolder(folder: string, layout: FolderLayout): Promise<Checkpoint | undefined> {
  const indexPath = join(folder, layout.index);
  const single = await folderFile(folder, layout.single);
  const index = await readModelBytes(folder, layout.index);
  if (index === undefined) {
    return single === undefined ? undefined : { ...(await layout.open(single)), location: folder };
  }
  const weightMap = readWeightMap(index, await bytesOfShards(folder, layout.extension), indexPath);
  const names = [...new Set(weightMap.values())].sort();
  if (single !== undefined && !names.includes(layout.single)) {
    throw new CompressError(
      'checkpoint-ambiguous',
      `Both ${layout.single} and ${layout.index} are there and the index does not name the file: delete the stale one.`,
      { file: folder },
    );
  }
  const paths: string[] = [];
  for (const name of names) paths.push(await shardPath(folder, name, layout.extension));

  const shards = new Map<string, Checkpoint>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const [i, name] of names.entries()) shards.set(name, await layout.open(paths[i]));
    const tensors = mergeShards(weightMap, shards, indexPath);
    return {
      tensors,
      location: folder,
      files: [indexPath, ...paths],
      async read(name, range) {
        findTensor({ location: folder, tensors }, name);
        return shards.get(weightMap.get(name)!)!.read(name, range);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bytesOfShards(folder: string, extension: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) if (name.endsWith(extension)) bytes += await bytesOf(folder, name);
  return bytes;
}

/** 0 for what is no file of the folder: that is an error only where the index names it. */
async function bytesOf(folder: string, name: string): Promise<number> {
  try {
    const path = await folderFile(folder, name);
    return path === undefined ? 0 : (await stat(path)).size;
  } catch (error) {
    if (error instanceof CompressError) return 0;
    throw error;
  }
}

/** All tensors, proven to be those of the index and no others. */
function mergeShards(
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, Checkpoint>,
  indexPath: string,
): ReadonlyMap<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (const [name, shard] of shards) {
    for (const tensor of shard.tensors.values()) {
      const mapped = weightMap.get(tensor.name);
      if (mapped !== name) {
        const where = mapped === undefined ? 'does not list it' : `says it is in ${mapped}`;
        throw mismatch(
          `It is in ${name}, but the index ${where}: shards and index are of different models.`,
          tensor.name,
        );
      }
      tensors.set(tensor.name, tensor);
    }
  }
  for (const [name, file] of weightMap) {
    if (!tensors.has(name)) {
      throw mismatch(`The index says it is in ${file}, but it is not: shards and index are of different models.`, name);
    }
  }
  return tensors;

  function mismatch(message: string, tensor: string): CompressError {
    return new CompressError('index-mismatch', message, { file: indexPath, tensor });
  }
}
