import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint, type TensorSource, writeCheckpoint } from '@compress/core';
import { filesOf, type Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

/** model.safetensors.index.json beside three shards. */
export async function indexTarget(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-fuzz-index-'));
  const tensor = (name: string): TensorSource => ({
    name,
    dtype: 'F32',
    shape: [4],
    byteLength: 16,
    bytes: async () => new Uint8Array(16),
  });
  try {
    const written = await writeCheckpoint(folder, ['a', 'b', 'c'].map(tensor), { maxShardBytes: 16 });
    const files = await filesOf(
      folder,
      written.map(({ file }) => file),
    );
    return {
      name: 'index.json',
      folders: [files],
      changed: ['model.safetensors.index.json'],
      async read(at) {
        const checkpoint = await openCheckpoint(at);
        try {
          await readTensors(checkpoint);
        } finally {
          await checkpoint.close();
        }
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
