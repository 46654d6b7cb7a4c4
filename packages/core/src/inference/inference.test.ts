import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Algorithm, defineAlgorithm } from '../algorithm/algorithm.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { verifyFolder } from '../manifest/verify-folder.ts';
import { checkPipeline } from '../pipeline/check-pipeline.ts';
import { compress } from '../walk/compress.ts';
import { runLinears } from '../walk/run-section.ts';
import { observeNaively } from '../walk/toy/observe-naively.ts';
import { toyQuantize } from '../walk/toy/toy-algorithms.ts';
import { toyCalibration, writeToyFolder } from '../walk/toy/toy-folder.ts';
import { toyDense } from '../walk/toy/toy-formats.ts';
import { toyModel } from '../walk/toy/toy-model.ts';
import { hashFolder, step, toyRequest } from '../walk/toy/toy-request.ts';
import type { ActivationQuantizer } from './inference.ts';
import { readInference } from './inference-file.ts';
import { rotateBlocks } from './rotate-blocks.ts';

const rotation = { kind: 'hadamard', size: 12 } as const;

/** Rotates what feeds `down`, and `down` with it: the function stays. */
const toyRotate = defineAlgorithm({
  name: 'toy-rotate',
  stage: 'transform',
  summary: 'Rotates the inner activation.',
  options: z.strictObject({}),
  async section({ section, weights, kernels }) {
    for (const { name, linears } of section.sites.filter((site) => site.name.endsWith('.inner'))) {
      weights.inference.sites.set(name, { rotation });
      const linear = weights.linears.get(linears[0].name)!;
      linear.weight.data.set((await rotateBlocks(linear.weight, rotation, kernels)).data);
    }
  },
});

let folder: string;
let source: string;
let checkpoint: Checkpoint;
const kernels = createReferenceKernels();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-inference-'));
  source = join(folder, 'model');
  await writeToyFolder(source);
  checkpoint = await openCheckpoint(source);
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

const { sequences } = toyCalibration(3);
async function means(at: string) {
  const opened = await openCheckpoint(at);
  const inference = await readInference(at);
  const result = await observeNaively(toyModel(), { ...opened, ...(inference && { inference }) }, sequences, kernels);
  await opened.close();
  return result;
}

test('a rotation is journalled, written beside the weights, proven by the manifest, and the function stays', async () => {
  const output = join(folder, 'rotated');
  const request = await toyRequest(source, output, { checkpoint, pipeline: [step(toyRotate)], format: toyDense });
  const { manifest } = await compress(request);
  expect(await readInference(output)).toEqual({
    sites: { 'blocks.0.inner': { rotation }, 'blocks.1.inner': { rotation } },
    attention: {},
  });
  expect(Object.keys(manifest.outputs)).toContain('inference.json');
  expect((await verifyFolder(output)).mismatches).toEqual([]);
  expect(manifest.warnings.map(({ code, layer }) => [code, layer])).toEqual([['inference-not-in-format', 'blocks.0']]);
  const before = await means(source);
  for (const [i, { site, mean }] of (await means(output)).entries()) {
    const expected = site.endsWith('.inner')
      ? (await rotateBlocks({ rows: 1, columns: 12, data: Float32Array.from(before[i].mean) }, rotation, kernels)).data
      : before[i].mean;
    // Weights are stored in F16.
    for (const [c, value] of mean.entries()) expect(value).toBeCloseTo(expected[c], 2);
  }
});

test('later steps observe what is rotated, and a resumed run ends with the same bytes', async () => {
  const pipeline = [step(toyRotate), step(toyQuantize)];
  const change = { checkpoint, pipeline, format: toyDense };
  const output = join(folder, 'quantized');
  const { manifest } = await compress(await toyRequest(source, output, { ...change, calibration: toyCalibration(3) }));
  for (const { site, mean } of await means(output)) {
    const sum = mean.reduce((total, value) => total + value, 0);
    const layer = manifest.layers.find((one) => site === one.layer.replace('down', 'inner'));
    if (layer?.algorithm === 'toy-quantize') expect(layer.figures.mean).toBeCloseTo(sum, 3);
  }
  expect(manifest.layers.filter(({ layer }) => layer.endsWith('down'))).toHaveLength(2);
  const again = join(folder, 'resumed');
  const abort = new AbortController();
  const stopped = await toyRequest(source, again, {
    ...change,
    calibration: toyCalibration(3),
    signal: abort.signal,
    onEvent: (event) => event.type === 'site' && event.site === 'blocks.1.inner' && abort.abort(new Error('stop')),
  });
  await expect(compress(stopped)).rejects.toThrow('stop');
  await compress(await toyRequest(source, again, { ...change, calibration: toyCalibration(3) }));
  expect(await hashFolder(again)).toEqual(await hashFolder(output));
});

test('what a model already does stays when it is compressed again', async () => {
  const rotated = join(folder, 'rotated');
  const input = await openCheckpoint(rotated);
  const inference = (await readInference(rotated))!;
  const output = join(folder, 'twice');
  const request = await toyRequest(rotated, output, {
    checkpoint: { ...input, inference },
    format: toyDense,
    pipeline: [step(toyQuantize)],
  });
  await compress(request);
  await input.close();
  expect(await readInference(output)).toEqual(inference);
});

test('a damaged file is refused', async () => {
  const output = join(folder, 'rotated');
  const text = await readFile(join(output, 'inference.json'), 'utf8');
  await writeFile(join(output, 'inference.json'), text.replace('hadamard', 'haar'));
  await expect(readInference(output)).rejects.toMatchObject({ code: 'inference-invalid' });
});

const toyActivations = (scale: 'token' | number, last: boolean) =>
  defineAlgorithm({
    name: 'toy-activations',
    stage: 'transform',
    summary: 'Rounds what the first site of a block reads.',
    options: z.strictObject({}),
    ...(last && { mustBeLast: () => 'its scales are calibrated' }),
    async section({ section, weights }) {
      if (section.kind === 'block')
        weights.inference.sites.set(section.sites[0].name, { quantizer: { bits: 2, scale } });
    },
  });

test.each(['token', 0.5] as const)(
  'later sites and steps see rounded activations, floats are observed (%s)',
  async (scale) => {
    const output = join(folder, `rounded-${scale}`);
    const pipeline = [step(toyActivations(scale, false)), step(toyQuantize)];
    const { manifest } = await compress(
      await toyRequest(source, output, { checkpoint, pipeline, format: toyDense, calibration: toyCalibration(3) }),
    );
    const quantizer = { bits: 2, scale };
    expect((await readInference(output))!.sites).toEqual({
      'blocks.0.input': { quantizer },
      'blocks.1.input': { quantizer },
    });
    const [before, after] = [await means(source), await means(output)];
    expect(after[0]).toEqual(before[0]);
    for (const { site, mean } of after) {
      const layer = manifest.layers.find((one) => site === one.layer.replace('down', 'inner'));
      const sum = mean.reduce((total, value) => total + value, 0);
      if (layer?.algorithm === 'toy-quantize') expect(layer.figures.mean).toBeCloseTo(sum, 3);
    }
  },
);

test('Linears read the values of codes, by row or by the calibrated scale', async () => {
  const site = {
    name: 's',
    features: 2,
    linears: [{ name: 'l', weight: 'w', outFeatures: 2, inFeatures: 2, transposed: false }],
  };
  const input = { rows: 2, columns: 2, data: Float32Array.of(7, 2.6, -0.3, 0.7) };
  const identity = { rows: 2, columns: 2, data: Float32Array.of(1, 0, 0, 1) };
  const read = async (quantizer: ActivationQuantizer) => {
    const inference = { sites: new Map([['s', { quantizer }]]) };
    const weights = { linears: new Map([['l', { weight: identity }]]), tensors: new Map(), inference };
    return [...(await runLinears(site, input, weights, kernels))[0].data];
  };
  expect(await read({ bits: 4, scale: 'token' })).toEqual([7, 3, -0.3, 0.7].map(Math.fround));
  expect(await read({ bits: 2, scale: 2 })).toEqual([2, 2, 0, 0]);
  expect([...input.data]).toEqual([7, 2.6, -0.3, 0.7].map(Math.fround));
});

test('a transform with calibrated scales must be the last one', () => {
  const problems = (...algorithms: Algorithm<object>[]) =>
    checkPipeline({ pipeline: algorithms.map((algorithm) => step(algorithm)), allowReorder: false, format: toyDense });
  expect(problems(toyRotate, toyActivations(0.5, true))).toEqual([]);
  expect(problems(toyActivations(0.5, false), toyRotate)).toEqual([]);
  expect(problems(toyActivations(0.5, true), toyRotate)).toEqual([
    'toy-activations must come after toy-rotate: its scales are calibrated; change the order.',
  ]);
});
