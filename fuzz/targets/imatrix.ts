import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImatrix, writeImatrix } from '@compress/formats';
import { f32, join as joinBytes, u32 } from '../../packages/formats/src/gguf/gguf-file.test.fixture.ts';
import { filesOf, type Target } from '../target.ts';

const FILE = 'imatrix.gguf';
const LEGACY = 'imatrix.dat';

/** Importance matrices in both of llama.cpp's forms. */
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
  // One entry: a name, 2 calls, 32 numbers; 2 chunks, and the text's name.
  const name = new TextEncoder().encode('blk.0.attn_q.weight');
  const text = new TextEncoder().encode('text.txt');
  const legacy = joinBytes(
    u32(1),
    u32(name.length),
    name,
    u32(2),
    u32(32),
    f32(...means),
    u32(2),
    u32(text.length),
    text,
  );
  await rm(folder, { recursive: true });
  return {
    name: 'imatrix',
    folders: [files, { [LEGACY]: legacy }],
    changed: [FILE, LEGACY],
    named: true,
    async read(folder) {
      for (const name of await readdir(folder)) await readImatrix(join(folder, name));
    },
  };
}
