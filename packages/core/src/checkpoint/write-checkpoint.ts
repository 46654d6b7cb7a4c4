import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CompressError } from '../errors.ts';
import { syncFolder, temporaryName, type WrittenFile, writeFileAtomic, writeTemporary } from './atomic-file.ts';
import type { TensorSource } from './checkpoint.ts';
import { INDEX_FILE, SINGLE_FILE } from './open-checkpoint.ts';
import { safetensorsLayout } from './safetensors-layout.ts';
import { safetensorsPieces } from './write-safetensors.ts';

/** What every Hugging Face tool splits at. */
const DEFAULT_SHARD_BYTES = 5_000_000_000;

/** Every name that this writer gives, finished or not. */
const OWN_FILES = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?(\.partial)?$/;

/** How a checkpoint is divided and labelled. */
export interface WriteCheckpointOptions {
  /** Most bytes of tensors in a file; a larger tensor gets a file of its own. @default 5e9 */
  readonly maxShardBytes?: number;
  /** `__metadata__` of every file. @default { format: 'pt' }, without which transformers refuses a file */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes `model.safetensors`, or beyond `maxShardBytes` shards with an index, in the canonical form of the reference writer. Tensors
 * are divided in the order given; `bytes` of each is called once, one at a time, in the order of the file. Returns every
 * file written, the index last.
 *
 * Everything is first written under `<name>.partial` and fsynced; only then do files take their names, the index last, and whatever an
 * earlier write left under other names goes. So a folder never shows half a file, and a crash at any moment leaves the old checkpoint, the
 * new one, or one that {@link openCheckpoint} refuses, never a mixture that opens.
 *
 * Throws `CompressError` `tensor-name`, `tensor-size`, `tensor-duplicate`, `safetensors-header-too-large`, `disk-full`, and what the sources
 * throw; then the folder holds what it held before.
 */
export async function writeCheckpoint(
  folder: string,
  tensors: readonly TensorSource[],
  { maxShardBytes = DEFAULT_SHARD_BYTES, metadata = { format: 'pt' } }: WriteCheckpointOptions = {},
): Promise<readonly WrittenFile[]> {
  checkUnique(tensors, folder);
  const shards = divide(tensors, maxShardBytes);
  const names = shards.map((_, i) => shardName(i, shards.length));
  const layouts = shards.map((shard, i) => safetensorsLayout(shard, metadata, join(folder, names[i])));

  await mkdir(folder, { recursive: true });
  const written: WrittenFile[] = [];
  try {
    for (const [i, layout] of layouts.entries()) {
      const file = join(folder, names[i]);
      written.push(await writeTemporary(file, safetensorsPieces(layout, file)));
    }
  } catch (error) {
    for (const { file } of written) await rm(temporaryName(join(folder, file)));
    throw error;
  }

  // An old index beside new shards could describe a mixture, so it goes before the first rename.
  if (shards.length > 1) {
    await rm(join(folder, INDEX_FILE), { force: true });
    await syncFolder(folder);
  }
  for (const name of names) await rename(temporaryName(join(folder, name)), join(folder, name));
  await syncFolder(folder);
  if (shards.length > 1) written.push(await writeFileAtomic(join(folder, INDEX_FILE), indexText(shards, names)));
  await removeStale(folder, new Set(written.map(({ file }) => file)));
  return written;
}

function checkUnique(tensors: readonly TensorSource[], folder: string): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) {
      throw new CompressError('tensor-duplicate', 'Two tensors have this name.', { file: folder, tensor: name });
    }
    names.add(name);
  }
}

/** Neighbours stay together: a shard is closed by the first tensor that does not fit. */
function divide(tensors: readonly TensorSource[], maxShardBytes: number): TensorSource[][] {
  const shards: TensorSource[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes > 0 && bytes + tensor.byteLength > maxShardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += tensor.byteLength;
  }
  return shards;
}

function shardName(i: number, count: number): string {
  const digits = (n: number) => String(n).padStart(5, '0');
  return count === 1 ? SINGLE_FILE : `model-${digits(i + 1)}-of-${digits(count)}.safetensors`;
}

function indexText(shards: readonly (readonly TensorSource[])[], names: readonly string[]): string {
  const places = shards.flatMap((shard, i) => shard.map(({ name }) => ({ name, file: names[i] })));
  places.sort((a, b) => (a.name < b.name ? -1 : 1));
  const total = shards.flat().reduce((sum, { byteLength }) => sum + byteLength, 0);
  // Not an object literal: an object would drop a tensor named __proto__ and would put names of digits first.
  const map = places.map(({ name, file }) => `    ${JSON.stringify(name)}: ${JSON.stringify(file)}`);
  return `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": {\n${map.join(',\n')}\n  }\n}\n`;
}

async function removeStale(folder: string, current: ReadonlySet<string>): Promise<void> {
  for (const file of await readdir(folder)) {
    if (OWN_FILES.test(file) && !current.has(file)) await rm(join(folder, file));
  }
  await syncFolder(folder);
}
