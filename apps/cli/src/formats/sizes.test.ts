import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

/** What a plan may be off by. */
const TOLERANCE = 0.01;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-sizes-'));
  await writeFile(join(directory, 'text.txt'), (await demoTexts()).evaluation.slice(0, 6_000));
});
afterAll(() => rm(directory, { recursive: true }));

async function cli(...args: string[]) {
  const { code, log, json } = await runInFolder(directory, [...args, '--json', '--threads', '1']);
  expect(code, log).toBe(EXIT.ok);
  return json();
}

interface StoredTensor {
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The size of a folder's safetensors file, and its tensors as its header has them: read here, not by the reader that the plan knows of. */
async function onDisk(folder: string) {
  const file = await readFile(join(folder, 'model.safetensors'));
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString());
  const { __metadata__: _, ...tensors } = header as Record<string, StoredTensor>;
  return { bytes: file.length, tensors: new Map(Object.entries(tensors)) };
}

const countOf = ({ shape }: StoredTensor) => shape.reduce((product, size) => product * size, 1);

/** Bits in the file for each weight of these layers: the tensors under the layers' names over the weights that they had. */
async function bitsOnDisk(folder: string, layers: readonly string[]): Promise<number> {
  const { tensors: before } = await onDisk(DEMO_MODEL);
  const { tensors } = await onDisk(folder);
  let bits = 0;
  let weights = 0;
  for (const layer of layers) {
    weights += countOf(before.get(`${layer}.weight`)!);
    for (const [name, { data_offsets }] of tensors)
      if (name.startsWith(`${layer}.`)) bits += 8 * (data_offsets[1] - data_offsets[0]);
  }
  return bits / weights;
}

// Every way in which a format lays weights out, with scales of rows, groups or blocks, and zero points.
it.each([
  ['dense', 'rtn: { grid: int4 }'],
  ['gptq', 'rtn: { grid: int2-asym, groupSize: 64 }'],
  ['gptq', 'rtn: { grid: int3, groupSize: 64 }'],
  ['gptq', 'rtn: { grid: int4, groupSize: 128 }'],
  ['gptq', 'gptq: { grid: int4-asym, groupSize: 64, order: act }'],
  ['gptq', 'rtn: { grid: int8, groupSize: channel }'],
  ['awq', 'rtn: { grid: int4-asym, groupSize: 32 }'],
  ['awq', 'rtn: { grid: int4, groupSize: channel }'],
  ['bitsandbytes', 'rtn: { grid: nf4, groupSize: 64 }'],
  ['bitsandbytes', 'rtn: { grid: { name: nf4, nested: blocks }, groupSize: 64 }'],
  ['bitsandbytes', 'rtn: { grid: fp4-bnb, groupSize: 32 }'],
  ['bitsandbytes', 'rtn: { grid: int8, groupSize: channel }'],
  ['mlx', 'rtn: { grid: int4, groupSize: 64 }'],
  ['mlx', 'rtn: { grid: int3-asym, groupSize: 32 }'],
  ['mlx', 'rtn: { grid: mxfp4, groupSize: 32 }'],
  ['compressed-tensors', 'rtn: { grid: int3, groupSize: 128 }'],
  ['compressed-tensors', 'rtn: { grid: int4-asym, groupSize: 32 }'],
  ['compressed-tensors', 'rtn: { grid: int8, groupSize: channel, activations: { grid: int8, per: token } }'],
  ['compressed-tensors', 'rtn: { grid: int8, groupSize: channel, activations: { grid: int8, per: tensor } }'],
  ['compressed-tensors', 'rtn: { grid: fp8-e4m3, groupSize: tensor }'],
  ['compressed-tensors', 'rtn: { grid: fp8-e4m3, groupSize: { block: [128, 128] } }'],
  ['compressed-tensors', 'rtn: { grid: nvfp4, groupSize: 16 }'],
  ['compressed-tensors', 'rtn: { grid: mxfp4, groupSize: 32 }'],
])('%s has the size that was planned, and its tied head costs nothing: %s', async (format, step) => {
  const recipe = `model: ${DEMO_MODEL}
output: ./output
calibration: { text: ./text.txt, samples: 2, length: 32 }
pipeline:
  - ${step}
format: ${format}
`;
  await writeFile(join(directory, 'recipe.yaml'), recipe);
  const plan = await cli('plan', 'recipe.yaml');
  await cli('run', 'recipe.yaml');
  const output = join(directory, 'output');
  const { bytes, tensors } = await onDisk(output);
  const touched = plan.linears.filter(({ algorithms }: { algorithms: string[] }) => algorithms.length > 0);
  expect(touched).toHaveLength(28);
  const measured = await bitsOnDisk(
    output,
    touched.map(({ layer }: { layer: string }) => layer),
  );
  await rm(output, { recursive: true });

  expect(Math.abs(plan.totals.storedBitsPerWeight / measured - 1), `${measured} bits`).toBeLessThan(TOLERANCE);
  expect(Math.abs(plan.totals.bytesAfter / bytes - 1), `${bytes} bytes`).toBeLessThan(TOLERANCE);
  expect([...tensors.keys()].filter((name) => name.includes('lm_head'))).toEqual([]);
  const before = await onDisk(DEMO_MODEL);
  if (format === 'dense') expect(bytes).toBe(before.bytes);
  else expect(bytes).toBeLessThan(before.bytes * (measured > 8 ? 0.8 : 0.7));
});

describe('gguf', () => {
  /** Bytes of a file that are no tensors': what one in f16 has more than its numbers take, norms being F32. */
  let overhead: number;
  let parameters: number;
  beforeAll(async () => {
    const { tensors } = await onDisk(DEMO_MODEL);
    parameters = [...tensors.values()].reduce((sum, tensor) => sum + countOf(tensor), 0);
    const payload = [...tensors.values()].reduce(
      (sum, tensor) => sum + countOf(tensor) * (tensor.shape.length === 1 ? 4 : 2),
      0,
    );
    overhead = (await converted('f16')).bytes - payload;
    // The vocabulary and its merges, of 300 kB; a head of its own would be 2 MB.
    expect(overhead).toBeGreaterThan(0);
    expect(overhead).toBeLessThan(300_000);
  });

  async function converted(type: string) {
    const { bitsPerWeight } = await cli('convert', DEMO_MODEL, 'model.gguf', '--type', type);
    const { size } = await stat(join(directory, 'model.gguf'));
    await rm(join(directory, 'model.gguf'));
    return { bytes: size, bitsPerWeight: bitsPerWeight as number };
  }

  // Blocks of each size and with each kind of scale; the others are made of these.
  it.each(['f16', 'q8_0', 'q5_1', 'q4_k_m', 'q2_k', 'mxfp4'])('%s has the size that was planned', async (type) => {
    const { bytes, bitsPerWeight } = await converted(type);
    const measured = (8 * (bytes - overhead)) / parameters;
    expect(Math.abs(bitsPerWeight / measured - 1), `${measured} bits`).toBeLessThan(TOLERANCE);
    expect(measured).toBeLessThan(16.1);
  });
});
