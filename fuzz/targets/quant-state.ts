import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bitsandbytes } from '@compress/formats';
import { cutSafetensors, joinSafetensors } from '../mutations/file.ts';
import type { Target } from '../target.ts';
import { quantizedFolder, readQuantized } from './quantized.ts';

const STATE = 'state.json';
const TENSOR = 'layer.weight.quant_state.bitsandbytes__nf4';

/** The JSON that bitsandbytes stores as a tensor of bytes beside a weight in NF4, with nested scales and without; the tensor is as long as what it became. */
export async function quantStateTarget(): Promise<Target> {
  const grids = ['nf4', { name: 'nf4', nested: 'blocks' }] as const;
  const made = await Promise.all(grids.map((grid) => quantizedFolder(bitsandbytes, [grid, 32])));
  const parted = made.map((files) => part(files['model.safetensors']));
  return {
    name: STATE,
    folders: made.map((files, i) => ({ ...files, [STATE]: parted[i].state, 'number.txt': Buffer.from(String(i)) })),
    changed: [STATE],
    // The file is only how a case comes here: no reader opens it.
    named: true,
    async read(folder) {
      const { header, before, after } = parted[Number(await readFile(join(folder, 'number.txt'), 'utf8'))];
      const state = await readFile(join(folder, STATE));
      await writeFile(join(folder, 'model.safetensors'), joined(header, before, state, after));
      await readQuantized(folder);
    },
  };
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

function part(file: Uint8Array) {
  const { header: text, data } = cutSafetensors(file)!;
  const header: Header = JSON.parse(text);
  const [begin, end] = header[TENSOR].data_offsets;
  return { header, before: data.subarray(0, begin), state: data.subarray(begin, end), after: data.subarray(end) };
}

function joined(header: Header, before: Uint8Array, state: Uint8Array, after: Uint8Array): Uint8Array {
  const [begin, end] = header[TENSOR].data_offsets;
  const moved = (offset: number) => (offset >= end ? offset - end + begin + state.length : offset);
  const entries = Object.entries(header).map(([name, entry]) => {
    if (name === TENSOR)
      return [name, { ...entry, shape: [state.length], data_offsets: [begin, begin + state.length] }];
    return [name, name === '__metadata__' ? entry : { ...entry, data_offsets: entry.data_offsets.map(moved) }];
  });
  return joinSafetensors(JSON.stringify(Object.fromEntries(entries)), Buffer.concat([before, state, after]));
}
