import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImatrix, writeImatrix } from '@compress/formats';
import { filesOf, type Target } from '../target.ts';

const FILE = 'imatrix.gguf';

/** An importance matrix in llama.cpp's form. */
export async function imatrixTarget(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'compress-fuzz-'));
  const means = Float32Array.from({ length: 32 }, (_, i) => i / 8);
  await writeImatrix({
    file: join(folder, FILE),
    datasets: ['text.txt'],
    chunks: 2,
    chunkSize: 512,
    entries: new Map([
      ['blk.0.attn_q.weight', means],
      ['blk.0.ffn_down.weight', means],
    ]),
    tokens: new Map([
      ['blk.0.attn_q.weight', 1024],
      ['blk.0.ffn_down.weight', 512],
    ]),
  });
  const files = await filesOf(folder, [FILE]);
  await rm(folder, { recursive: true });
  return {
    name: 'imatrix',
    folders: [files],
    changed: [FILE],
    named: true,
    async read(folder) {
      await readImatrix(join(folder, FILE));
    },
  };
}
