import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import { findTensor } from './find-tensor.ts';
import { openSafetensors, type SafetensorsFile } from './open-safetensors.ts';
import { shardPath } from './shard-path.ts';
import { readWeightMap } from './weight-map.ts';

/** Names that every tool of the field agrees on. */
export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/**
 * Opens a model's folder: `model.safetensors`, or the shards of `model.safetensors.index.json`. Index and shards must agree
 * in both directions. Throws `CompressError` `checkpoint-missing`, `checkpoint-ambiguous`, `index-invalid`, `index-mismatch`, `shard-name`,
 * `shard-missing`, `shard-outside`, and those of {@link openSafetensors}.
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const indexPath = join(folder, INDEX_FILE);
  const [single, indexed] = await Promise.all([exists(join(folder, SINGLE_FILE)), exists(indexPath)]);
  if (!indexed) {
    if (!single) {
      throw new CompressError('checkpoint-missing', `There is neither ${SINGLE_FILE} nor ${INDEX_FILE} in it.`, {
        file: folder,
      });
    }
    return { ...(await openSafetensors(await shardPath(folder, SINGLE_FILE))), location: folder };
  }
  const weightMap = readWeightMap(await readFile(indexPath, 'utf8'), indexPath);
  const names = [...new Set(weightMap.values())].sort();
  if (single && !names.includes(SINGLE_FILE)) {
    throw new CompressError(
      'checkpoint-ambiguous',
      `Both ${SINGLE_FILE} and ${INDEX_FILE} are there and the index does not name the file: delete the stale one.`,
      { file: folder },
    );
  }
  const paths: string[] = [];
  for (const name of names) paths.push(await shardPath(folder, name));

  const shards = new Map<string, SafetensorsFile>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const [i, name] of names.entries()) shards.set(name, await openSafetensors(paths[i]));
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

/** All tensors, proven to be those of the index and no others. */
function mergeShards(
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsFile>,
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

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
