import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import type { TensorSource } from '../../checkpoint/checkpoint.ts';
import { writeCheckpoint } from '../../checkpoint/write-checkpoint.ts';
import { randomStream } from '../../random-stream.ts';
import { TOY, type ToySize } from './toy-model.ts';

/** Tensors of the toy model: name, shape, spread about `center`. The last one is of no section. */
export function toyTensors({ hidden, inner, vocabulary, blocks }: ToySize = TOY): {
  name: string;
  shape: number[];
  spread: number;
  center: number;
}[] {
  const weight = (name: string, shape: number[]) => ({ name, shape, spread: 0.5, center: 0 });
  const gain = (name: string) => ({ name, shape: [hidden], spread: 0.1, center: 1 });
  return [
    weight('embed.weight', [vocabulary, hidden]),
    ...Array.from({ length: blocks }, (_, b) => `blocks.${b}`).flatMap((at) => [
      gain(`${at}.norm.weight`),
      weight(`${at}.gate.weight`, [inner, hidden]),
      weight(`${at}.up.weight`, [inner, hidden]),
      weight(`${at}.down.weight`, [inner, hidden]),
      weight(`${at}.down.bias`, [hidden]),
      weight(`${at}.expert.weight`, [hidden, hidden]),
    ]),
    gain('norm.weight'),
    weight('position_ids', [3]),
  ];
}

/** Writes the toy model as a folder in F16, with a configuration and a tokenizer. `change` may spoil a tensor. */
export async function writeToyFolder(
  folder: string,
  change: (name: string, values: Float32Array) => Float32Array | undefined = (_name, values) => values,
  size: ToySize = TOY,
): Promise<void> {
  const kernels = createReferenceKernels();
  const random = randomStream('toy');
  const sources: TensorSource[] = [];
  for (const { name, shape, spread, center } of toyTensors(size)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = change(
      name,
      Float32Array.from({ length: count }, () => center + spread * random.normal()),
    );
    if (values === undefined) continue;
    const data = new Uint8Array(2 * count);
    await kernels.encode({ values, type: 'f16', output: data });
    sources.push({ name, dtype: 'F16', shape, byteLength: data.byteLength, bytes: async () => data });
  }
  await mkdir(folder, { recursive: true });
  await writeCheckpoint(folder, sources);
  await writeFile(join(folder, 'config.json'), '{"model_type": "toy", "epsilon": 1e-05, "theta": 10000.0}');
  await writeFile(join(folder, 'tokenizer.json'), '{"toy": true}');
  await writeFile(join(folder, 'training.log'), 'not carried over');
}

/** Windows of tokens. */
export function toyCalibration(sequences = 30, length = 16) {
  const random = randomStream('toy calibration');
  return {
    sequences: Array.from({ length: sequences }, () =>
      Uint32Array.from({ length }, () => random.integer(TOY.vocabulary)),
    ),
    digest: 'a'.repeat(64),
  };
}
