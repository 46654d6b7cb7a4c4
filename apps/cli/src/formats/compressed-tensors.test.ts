import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codebooks } from '@compress/codebooks';
import {
  type Algorithm,
  type Checkpoint,
  compress,
  INFERENCE_FILE,
  loadSection,
  type Manifest,
  openCheckpoint,
  type PipelineStep,
  randomStream,
  runSection,
} from '@compress/core';
import { compressedTensors, openModelCheckpoint } from '@compress/formats';
import { hadamard } from '@compress/hadamard';
import { createKernels, type Kernels } from '@compress/kernels';
import { kvCache } from '@compress/kv-cache';
import { createRtn, rtn } from '@compress/rtn';
import { smoothquant } from '@compress/smoothquant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenFolder, goldenModel, readGoldenTokens } from '../golden.test.fixture.ts';

const source = goldenFolder('llama');

let kernels: Kernels;
let folder: string;
let sequences: readonly Uint32Array[];
beforeAll(async () => {
  kernels = await createKernels({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'compress-formats-'));
  ({ sequences } = await readGoldenTokens('llama'));
});
afterAll(async () => {
  await kernels.close();
  await rm(folder, { recursive: true });
});

function step<Options>(algorithm: Algorithm<Options>, recipe: unknown): PipelineStep {
  return { algorithm: algorithm as Algorithm, options: algorithm.options.parse(recipe) };
}

async function configOf(at: string) {
  return JSON.parse(await readFile(join(at, 'config.json'), 'utf8'));
}

async function logits(checkpoint: Checkpoint): Promise<Float32Array> {
  const model = await goldenModel('llama', checkpoint);
  const [{ length }] = sequences;
  const tokens = Uint32Array.from(sequences.flatMap((sequence) => [...sequence]));
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: sequences.length, length, tokens, hidden, state: new Map() };
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    if (section.kind === 'head') return (await model.logits(program, weights, hidden, kernels)).data.slice();
    await runSection(program, weights, batch, kernels);
  }
  throw new Error('the model has no head');
}

/** Compresses the golden model into the format; logits of what was written, read with inference.json and without it, and with floats in its place. */
async function written(at: string, pipeline: PipelineStep[]) {
  const checkpoint = await openCheckpoint(source);
  const output = join(folder, at);
  const { manifest, plan } = await compress({
    model: await goldenModel('llama', checkpoint),
    checkpoint,
    source,
    output,
    pipeline,
    format: compressedTensors,
    calibration: { sequences, digest: 'a'.repeat(64) },
    kernels,
    seed: 0,
    strict: false,
    activationMemory: 1e9,
    recipe: {},
    versions: {},
  });
  await checkpoint.close();
  const whole = await openModelCheckpoint(output);
  expect(whole.inference).toBeDefined();
  const ours = await logits(whole);
  const { inference: _, ...ordinary } = whole;
  const floats = await logits(ordinary);
  await whole.close();
  await rm(join(output, INFERENCE_FILE));
  const alone = await openModelCheckpoint(output);
  expect(alone.inference).toBeUndefined();
  const theirs = await logits(alone);
  const tensors = await openCheckpoint(output);
  const bytes = [...tensors.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(plan.totals.bytesAfter).toBe(bytes);
  const names = [...tensors.tensors.keys()];
  await Promise.all([alone, tensors].map((opened) => opened.close()));
  return { ours, theirs, floats, manifest, names, config: (await configOf(output)).quantization_config };
}

const differ = (a: Float32Array, b: Float32Array) => a.some((x, i) => x !== b[i]);
const codes = (manifest: Manifest) => manifest.warnings.map(({ code }) => code);

describe('a folder says in its configuration and tensors what inference.json says', () => {
  test.each([
    ['dynamic', 'token', 'channel'],
    ['calibrated', 'tensor', 'tensor'],
    ['in groups', 'token', 4],
  ])('W8A8, %s', async (name, scale, groupSize) => {
    const { ours, theirs, floats, manifest, names } = await written(`w8a8 ${name}`, [
      step(smoothquant, { activations: { per: scale } }),
      step(rtn, { grid: 'int8', groupSize }),
    ]);
    expect(differ(ours, theirs)).toBe(false);
    expect(differ(ours, floats)).toBe(true);
    // vLLM has no kernel for groups.
    expect(codes(manifest)).toEqual(groupSize === 4 ? ['consumer-limit'] : []);
    expect(names.some((tensor) => tensor.endsWith('q_proj.input_scale'))).toBe(scale === 'tensor');
  });

  test.each(['token', 'tensor'] as const)('W8A8 that the quantizer says itself, per %s', async (per) => {
    const { ours, theirs, floats, manifest, config } = await written(`w8a8 of rtn ${per}`, [
      step(rtn, { grid: 'int8', groupSize: 'channel', activations: { grid: 'int8', per } }),
    ]);
    expect(differ(ours, theirs)).toBe(false);
    expect(differ(ours, floats)).toBe(true);
    expect(codes(manifest)).toEqual([]);
    expect(config.format).toBe('int-quantized');
  });

  test.each([
    ['by token, in blocks', 'token', { block: [16, 4] }],
    ['by token, a scale a row', 'token', 'channel'],
    ['calibrated', 'tensor', 'tensor'],
  ])('FP8, %s', async (name, scale, groupSize) => {
    const { ours, theirs, floats, manifest, config } = await written(`fp8 ${name}`, [
      step(smoothquant, { alpha: 'none', activations: { grid: 'fp8', per: scale } }),
      step(createRtn(codebooks), { grid: 'fp8-e4m3', groupSize }),
    ]);
    expect(differ(ours, theirs)).toBe(false);
    expect(differ(ours, floats)).toBe(true);
    expect(codes(manifest)).toEqual(typeof groupSize === 'object' ? ['consumer-limit'] : []);
    expect(config.config_groups.group_0.input_activations).toMatchObject({ type: 'float', dynamic: scale === 'token' });
  });

  test.each([
    ['fp8, one scale', { grid: 'fp8', scales: 'tensor' }],
    ['int8, a scale a head', { bits: 8, scales: 'head' }],
  ])('a cache of floats beside weights in floats, %s', async (name, side) => {
    const { ours, theirs, floats, manifest, names, config } = await written(`cache ${name}`, [
      step(kvCache, { keys: side, values: side, residual: 0 }),
    ]);
    expect(differ(ours, theirs)).toBe(false);
    expect(differ(ours, floats)).toBe(true);
    expect(codes(manifest)).toEqual([]);
    expect(names).toContain('model.layers.0.self_attn.k_scale');
    expect(config).toMatchObject({ format: 'dense', config_groups: {} });
  });

  test('rotations of the forward pass, under weights in codes and a cache', async () => {
    const side = { grid: 'fp8', scales: 'tensor' };
    const { ours, theirs, floats, config } = await written('rotations', [
      step(hadamard, { rotations: ['R4'], block: 4 }),
      step(rtn, { grid: 'int8', groupSize: 4 }),
      step(kvCache, { keys: side, values: side, residual: 0 }),
    ]);
    expect(differ(ours, theirs)).toBe(false);
    expect(differ(ours, floats)).toBe(true);
    expect(Object.keys(config.transform_config.config_groups)).toEqual(['R4_4']);
  });
});

test('queries, keys and values share one scale of the whole weight in NVFP4, as do gate and up', async () => {
  const checkpoint = await openCheckpoint(source);
  const model = await goldenModel('llama', checkpoint);
  const weights = await loadSection(checkpoint, model.sections[1], kernels);
  await checkpoint.close();
  const site = model.sections[1].sites[0];
  const linears = site.linears.map((spec) => ({ spec, weight: weights.linears.get(spec.name)!.weight }));
  const algorithm = createRtn(codebooks);
  const results = await algorithm.site!(
    { site, linears, statistics: { tokens: 0 }, kernels, random: randomStream(0), infer: () => {}, warn: () => {} },
    algorithm.options.parse({ grid: 'nvfp4', groupSize: 4 }),
  );
  const units = results.map(({ quantized }) => quantized!.scales.nested);
  const most = Math.max(...linears.map(({ weight }) => weight.data.reduce((a, w) => Math.max(a, Math.abs(w)), 0)));
  expect(units).toEqual(linears.map(() => ({ kind: 'tensor', scale: Math.fround(most / 6 / 448) })));
  expect(linears.length).toBe(3);
});
