import { join } from 'node:path';
import { openSafetensors } from '@compress/core';
import { joinSafetensors } from '../mutations/file.ts';
import type { Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const FILE = 'model.safetensors';

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** Some of everything that the format has. */
const HEADER = {
  __metadata__: { format: 'pt', note: 'a "quoted" é' },
  w: entry('F32', [2, 3], 0, 24),
  h: entry('BF16', [4], 24, 32),
  f: entry('F16', [2], 32, 36),
  e: entry('I64', [0, 7], 36, 36),
  s: entry('BOOL', [], 36, 37),
  q: entry('F4', [2, 4], 37, 41),
  e8: entry('F8_E4M3', [3], 41, 44),
};
const DATA = Uint8Array.from({ length: 44 }, (_, i) => (i * 37) % 256);

/** One file: its length, its header as JSON and as bytes, its data. */
export const safetensorsTarget: Target = {
  name: 'safetensors',
  folders: [{ [FILE]: joinSafetensors(JSON.stringify(HEADER), DATA) }],
  changed: [FILE],
  named: true,
  async read(folder) {
    const file = await openSafetensors(join(folder, FILE));
    try {
      await readTensors(file);
    } finally {
      await file.close();
    }
  },
};
