import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { registry } from '@compress/cli';
import { type Algorithm, compress, holdModel, openCheckpoint, openSequence, verifyFolder } from '@compress/core';
import { onnx, openModelCheckpoint } from '@compress/formats';
import { createKernels, type Kernels } from '@compress/kernels';
import { modelFromConfig, openTokenizer } from '@compress/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openOnnxDecoder } from './onnxruntime.ts';

const source = fileURLToPath(new URL('../../../apps/cli/demo-model', import.meta.url));
/** Longer than one step of the graph's rotary tables (256). */
const TEXT = 'Fellow citizens of the Senate and of the House: the year that is past has been one of peace. '.repeat(14);

/** Logits are of size 10 to 20. */
const MAX_DIFFERENCE = 5e-5;

let scratch: string;
let kernels: Kernels;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'compress-onnx-'));
  kernels = await createKernels({ threads: 1 });
});
afterAll(async () => {
  await kernels.close();
  await rm(scratch, { recursive: true });
});

/** The demo model, rounded to nearest and written as ONNX. */
async function written(grid: string, groupSize: number): Promise<string> {
  const rtn = registry.algorithms.find(({ name }) => name === 'rtn') as Algorithm;
  const checkpoint = await openCheckpoint(source);
  const output = join(scratch, `${grid}-${groupSize}`);
  await compress({
    model: modelFromConfig(JSON.parse(await readFile(join(source, 'config.json'), 'utf8')), checkpoint.tensors),
    checkpoint,
    source,
    output,
    pipeline: [{ algorithm: rtn, options: rtn.options.parse({ grid, groupSize }) }],
    format: onnx,
    kernels,
    seed: 0,
    strict: true,
    activationMemory: 1e9,
    recipe: {},
    versions: {},
  });
  await checkpoint.close();
  return output;
}

it.each([
  ['int4', 64, 'model_q4.onnx'],
  ['int4-asym', 128, 'model_q4.onnx'],
  ['int8', 128, 'model_quantized.onnx'],
  ['int2-asym', 32, 'model_q2.onnx'],
])('onnxruntime sees in %s, %i columns a group, what we see', async (grid, groupSize, file) => {
  const folder = await written(grid, groupSize);
  expect((await verifyFolder(folder)).mismatches).toEqual([]);
  const checkpoint = await openModelCheckpoint(folder);
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const model = modelFromConfig(config, checkpoint.tensors);
  const held = await holdModel({ model, checkpoint, kernels });
  const ours = openSequence(held);
  const theirs = await openOnnxDecoder(join(folder, 'onnx', file), model.sections[1].attention!);
  let tokens = (await openTokenizer(source)).encode(TEXT, { special: false });
  expect(tokens.length).toBeGreaterThan(256);
  let largest = 0;
  for (let step = 0; step < 8; step++) {
    const expected = await ours.append(tokens);
    const logits = (await theirs.append(tokens, 1)).subarray((tokens.length - 1) * model.vocabularySize);
    largest = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i])), largest);
    tokens = Uint32Array.of(expected.indexOf(expected.reduce((a, b) => Math.max(a, b))));
  }
  expect(largest).toBeLessThan(MAX_DIFFERENCE);
  await theirs.close();
  await checkpoint.close();
});
