import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Format, type Grid, integerGrid, quantizeWeight, writeCheckpoint } from '@compress/core';
import { formats, openModelCheckpoint } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import { type Files, filesOf, type Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const kernels = createReferenceKernels();
const ROWS = 32;
const COLUMNS = 64;
const GROUP = 32;

/** A small folder of each format and grid that goes into it: quantization_config, and the tensors that it speaks of. */
export async function quantizedTarget(): Promise<Target> {
  const grids = [4, 3, 8].flatMap((bits) => [true, false].map((symmetric) => integerGrid({ bits, symmetric })));
  const folders: Files[] = [];
  for (const format of formats.filter(({ storesCodes }) => storesCodes))
    for (const grid of grids) {
      const folder = await quantizedFolder(format, grid);
      if (folder) folders.push(folder);
    }
  return {
    name: 'quantization_config',
    folders,
    changed: ['config.json', 'model.safetensors'],
    async read(folder) {
      const checkpoint = await openModelCheckpoint(folder);
      try {
        await readTensors(checkpoint);
      } finally {
        await checkpoint.close();
      }
    },
  };
}

/** A folder with one weight in codes of the grid; undefined where the format does not hold it. */
export async function quantizedFolder(format: Format, grid: Grid): Promise<Files | undefined> {
  const spec = { name: 'layer', weight: 'layer.weight', outFeatures: ROWS, inFeatures: COLUMNS, transposed: false };
  if (format.limit(spec, grid, GROUP) !== undefined) return undefined;
  const weight = kernels.matrix(ROWS, COLUMNS);
  weight.data.forEach((_, i) => {
    weight.data[i] = Math.sin(i);
  });
  const quantized = await quantizeWeight({ weight, grid, groupSize: GROUP, kernels });
  const folder = await mkdtemp(join(tmpdir(), 'compress-fuzz-'));
  try {
    await writeCheckpoint(folder, format.write({ spec, quantized }, 'F16', kernels));
    const quantization_config = format.configuration({
      grid,
      groupSize: GROUP,
      quantized: ['layer'],
      untouched: ['head'],
    });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'llama', quantization_config }));
    return await filesOf(folder, ['config.json', 'model.safetensors']);
  } finally {
    await rm(folder, { recursive: true });
  }
}
