import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codebooks } from '@compress/codebooks';
import {
  columnsPerGroup,
  type Format,
  type GridChoice,
  type GroupSize,
  type ModuleInference,
  quantizeWeight,
  resolveGrid,
  rowsPerScale,
  treatmentOf,
  writeCheckpoint,
} from '@compress/core';
import { awq, bitsandbytes, compressedTensors, gptq, mlx, openModelCheckpoint } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import { type Files, filesOf, type Target } from '../target.ts';
import { readTensors } from './read-tensors.ts';

const kernels = createReferenceKernels();
const spec = { name: 'layer', weight: 'layer.weight', outFeatures: 32, inFeatures: 64, transposed: false };
const heads = { heads: 4, keyHeads: 2, headDimension: 16 };

/** A grid and what shares its scales, and what the forward pass does beside. */
type Layout = readonly [grid: GridChoice, groupSize: GroupSize, modules?: ModuleInference];

const inputs = (input: NonNullable<ReturnType<ModuleInference['inputs']['get']>>): ModuleInference => ({
  inputs: new Map([[spec.name, input]]),
  attention: new Map(),
});
const side = { grid: { kind: 'fp8' }, axis: 'token', groupSize: 16, scales: [0.5] } as const;
const cached: ModuleInference = {
  ...inputs({ quantizer: { bits: 8, scale: 0.25 } }),
  attention: new Map([
    ['attn', { heads, cache: { keys: side, values: side, keysBeforeRotary: false, window: 0, sinks: 0 } }],
  ]),
};

/** Every way in which a format lays a weight out. */
const LAYOUTS: readonly (readonly [Format, readonly Layout[]])[] = [
  [gptq, (['int2', 'int3-asym', 'int4', 'int4-asym', 'int8'] as const).map((grid) => [grid, 32])],
  [awq, (['int4', 'int4-asym'] as const).flatMap((grid) => [[grid, 32] as const, [grid, 'channel'] as const])],
  [
    bitsandbytes,
    [
      ['nf4', 32],
      [{ name: 'nf4', nested: 'blocks' }, 32],
      ['fp4-bnb', 64],
      ['int8', 'channel'],
    ],
  ],
  [
    mlx,
    [
      ['int4', 32],
      ['int3-asym', 32],
      ['mxfp4', 32],
    ],
  ],
  [
    compressedTensors,
    [
      ['int4-asym', 32],
      ['int3', 'channel'],
      ['int4', 32, inputs({ rotation: { kind: 'hadamard', size: 16 } })],
      ['int8', 'channel', inputs({ quantizer: { bits: 8, scale: 'token' } })],
      ['int8', 'tensor', cached],
      ['fp8-e4m3', 'tensor', inputs({ quantizer: { grid: 'fp8', bits: 8, scale: 0.5 } })],
      ['fp8-e4m3', { block: [16, 32] }],
      ['nvfp4', 16],
      ['mxfp4', 32],
    ],
  ],
];

/** One for each format: small folders of all its layouts, of which config.json and the tensors that it speaks of are changed. */
export const QUANTIZED = LAYOUTS.map(([format, layouts]) => ({
  name: format.name,
  make: async (): Promise<Target> => ({
    name: format.name,
    folders: await Promise.all(layouts.map((layout) => quantizedFolder(format, layout))),
    changed: ['config.json', 'model.safetensors'],
    read: readQuantized,
  }),
}));

/** As floats and as codes, and what is told of the forward pass. */
export async function readQuantized(folder: string): Promise<void> {
  const checkpoint = await openModelCheckpoint(folder);
  try {
    await readTensors(checkpoint);
    for (const coded of checkpoint.coded.values()) await coded.read();
    await checkpoint.modules?.input(spec.name);
    await checkpoint.modules?.attention('attn', heads);
  } finally {
    await checkpoint.close();
  }
}

/** config.json and model.safetensors of one layer. */
export async function quantizedFolder(format: Format, [choice, groupSize, modules]: Layout): Promise<Files> {
  const grid = resolveGrid(choice, codebooks);
  const weight = kernels.matrix(spec.outFeatures, spec.inFeatures);
  weight.data.forEach((_, i) => {
    weight.data[i] = Math.sin(i);
  });
  const quantized = await quantizeWeight({ weight, grid, groupSize, kernels });
  const scaleRows = rowsPerScale(groupSize);
  const treatment = treatmentOf(scaleRows, modules?.inputs.get(spec.name));
  const columns = columnsPerGroup(spec.inFeatures, groupSize);
  const objection = format.limit(spec, quantized.grid, columns, false, treatment);
  if (objection) throw new Error(objection.message);
  const folder = await mkdtemp(join(tmpdir(), 'compress-fuzz-'));
  try {
    const beside = modules ? (format.carrier?.tensors(modules) ?? []) : [];
    await writeCheckpoint(folder, [...format.write({ spec, quantized, treatment }, 'F16', kernels), ...beside]);
    const quantization_config = format.configuration({
      grid: quantized.grid,
      groupSize: columns === spec.inFeatures ? -1 : columns,
      scaleRows,
      quantized: [spec.name],
      untouched: ['head'],
      ...(modules && { modules }),
    });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'llama', quantization_config }));
    return await filesOf(folder, ['config.json', 'model.safetensors']);
  } finally {
    await rm(folder, { recursive: true });
  }
}
