import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Algorithm,
  type Checkpoint,
  compress,
  createStatisticsCollector,
  loadSection,
  openCheckpoint,
  type PipelineStep,
  randomStream,
  readInference,
  runLinears,
  runSection,
  type Statistics,
  stageInput,
} from '@compress/core';
import { dense } from '@compress/formats';
import { createKernels, type Kernels, type Matrix } from '@compress/kernels';
import { rtn } from '@compress/rtn';
import { smoothquant } from '@compress/smoothquant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenFolder, goldenModel, goldenNames, readGoldenTokens } from '../golden.test.fixture.ts';

let kernels: Kernels;
let folder: string;
beforeAll(async () => {
  kernels = await createKernels({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'compress-smoothquant-'));
});
afterAll(async () => {
  await kernels.close();
  await rm(folder, { recursive: true });
});

function step<Options>(algorithm: Algorithm<Options>, recipe: unknown): PipelineStep {
  return { algorithm: algorithm as Algorithm, options: algorithm.options.parse(recipe) };
}

/** One Linears' input, and what the forward pass made of it. */
interface Seen {
  readonly site: string;
  readonly input: Matrix;
  readonly linears: readonly { readonly weight: Matrix; readonly bias?: Float32Array; readonly output: Float32Array }[];
}

/** Logits of every position, and on the way all that Linears read and made. */
async function logits(name: string, checkpoint: Checkpoint, visit: (seen: Seen) => void = () => {}): Promise<Matrix> {
  const { tokens, length } = await readGoldenTokens(name);
  const model = await goldenModel(name, checkpoint);
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    if (section.kind === 'head') return model.logits(program, weights, hidden, kernels);
    await program.embed?.(batch);
    for (const stage of program.stages) {
      const input = await stageInput(stage, weights, batch, kernels);
      const outputs = await runLinears(stage.site, input, weights, kernels);
      const linears = stage.site.linears.map((spec, i) => ({
        ...weights.linears.get(spec.name)!,
        output: outputs[i].data.slice(),
      }));
      visit({ site: stage.site.name, input: { ...input, data: input.data.slice() }, linears });
      await stage.output(batch, outputs);
    }
    batch.state.clear();
  }
  throw new Error('the model has no head');
}

/** Compresses a golden model on its own tokens, and opens what comes out with and without its inference. */
async function compressed(name: string, at: string, pipeline: PipelineStep[]) {
  const source = goldenFolder(name);
  const checkpoint = await openCheckpoint(source);
  const { sequences } = await readGoldenTokens(name);
  const output = join(folder, `${name}-${at}`);
  await compress({
    model: await goldenModel(name, checkpoint),
    checkpoint,
    source,
    output,
    pipeline,
    format: dense,
    calibration: { sequences, digest: 'a'.repeat(64) },
    kernels,
    seed: 0,
    strict: false,
    activationMemory: 1e9,
    recipe: {},
    versions: {},
  });
  const before = await logits(name, checkpoint);
  await checkpoint.close();
  const plain = await openCheckpoint(output);
  const inference = (await readInference(output))!;
  return { before, plain, inference };
}

/** max |difference| / max |expected| */
function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  return difference / size;
}

/** Smooths every section in memory by what its own float activations are: in f32, where checkpoints would round. Returns logits of the floats. */
async function smoothedLogits(name: string, recipe: unknown) {
  const checkpoint = await openCheckpoint(goldenFolder(name));
  const { tokens, length } = await readGoldenTokens(name);
  const model = await goldenModel(name, checkpoint);
  const options = smoothquant.options.parse(recipe);
  const figures = new Map<string, Readonly<Record<string, number>>>();
  const bits = new Map<string, number | undefined>();
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    if (section.kind === 'head') {
      await checkpoint.close();
      return {
        logits: await model.logits(model.open(section, weights, kernels), weights, hidden, kernels),
        figures,
        bits,
      };
    }
    const statistics = new Map<string, Statistics>();
    const trial = { ...batch, hidden: { ...hidden, data: hidden.data.slice() }, state: new Map() };
    for (const stage of model.open(section, weights, kernels).stages) {
      const { name: site, features } = stage.site;
      const collector = createStatisticsCollector({
        site,
        features,
        kernels,
        observations: smoothquant.observes!(options),
      });
      const input = await stageInput(stage, weights, trial, kernels);
      await collector.observe(input);
      statistics.set(site, await collector.finish());
      await stage.output(trial, await runLinears(stage.site, input, weights, kernels));
    }
    await smoothquant.section!(
      {
        ...{ model, section, weights, statistics, kernels, random: randomStream(0), warn: () => {} },
        figures: (layer, values) => void figures.set(layer, values),
      },
      options,
    );
    for (const { name: site, linears } of section.sites)
      for (const linear of linears) bits.set(linear.name, weights.inference.sites.get(site)?.quantizer?.bits);
    weights.inference.sites.clear();
    await runSection(model.open(section, weights, kernels), weights, batch, kernels);
  }
  throw new Error('the model has no head');
}

/** What norms do not feed. */
const UNSMOOTHED = /o_proj|down_proj|fc2|\.w2|4h_to_h|attn\.c_proj|mlp\.c_proj|out_proj|attention\.dense/;

describe.each(goldenNames)('%s', (name) => {
  test.each([0.5, 'auto'])('smoothed by alpha %s, the floats make the same logits', async (alpha) => {
    const checkpoint = await openCheckpoint(goldenFolder(name));
    const expected = await logits(name, checkpoint);
    await checkpoint.close();
    const recipe = { alpha, activations: { grid: 'int4', per: 'tensor' } };
    const { logits: actual, figures, bits } = await smoothedLogits(name, recipe);
    expect(relative(actual.data, expected.data)).toBeLessThan(3e-5);
    expect([...bits.keys()].filter((layer) => bits.get(layer) === 4)).toEqual([...figures.keys()]);
    for (const [layer, { absmax, smoothedAbsmax }] of figures)
      if (UNSMOOTHED.test(layer)) expect(smoothedAbsmax).toBe(absmax);
      else if (alpha === 0.5 && absmax > 0) expect(smoothedAbsmax).not.toBe(absmax);
  });
});

/** Codes half to even by a row's absmax or a given scale, back to values: in f64. */
function rounded(row: Float32Array, bits: number, scale: 'token' | number): Float64Array {
  const limit = 2 ** (bits - 1) - 1;
  const unit = scale === 'token' ? row.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / limit : scale;
  return Float64Array.from(row, (x) => {
    const ratio = x / unit;
    const below = Math.floor(ratio);
    const code = ratio - below === 0.5 ? below + (below % 2 === 0 ? 0 : 1) : Math.round(ratio);
    return Math.max(-limit, Math.min(limit, code)) * unit;
  });
}

test.each([
  ['llama', 'token'],
  ['opt', 'tensor'],
  ['mixtral', 'tensor'],
] as const)('W8A8 of %s, a scale by %s: every Linear computes what f64 computes from codes', async (name, per) => {
  const pipeline = [step(smoothquant, { activations: { per } }), step(rtn, { grid: 'int8', groupSize: 'channel' })];
  const { before, plain, inference } = await compressed(name, 'w8a8', pipeline);
  const seen = new Set<string>();
  const after = await logits(name, { ...plain, inference }, ({ site, input, linears }) => {
    const quantizer = inference.sites[site]?.quantizer;
    if (quantizer) seen.add(site);
    for (const { weight, bias, output } of linears) {
      const { columns } = input;
      const expected = new Float64Array(output.length);
      for (let t = 0; t < input.rows; t++) {
        const row = input.data.subarray(t * columns, (t + 1) * columns);
        const read = quantizer ? rounded(row, quantizer.bits, quantizer.scale) : row;
        for (let n = 0; n < weight.rows; n++) {
          let sum = bias?.[n] ?? 0;
          for (let k = 0; k < columns; k++) sum += read[k] * weight.data[n * columns + k];
          expected[t * weight.rows + n] = sum;
        }
      }
      if (output.length > 0) expect(relative(output, expected)).toBeLessThan(1e-5);
    }
  });
  expect([...seen].sort()).toEqual(Object.keys(inference.sites).sort());
  // A token near the edge between two experts goes to another one.
  expect(relative(after.data, before.data)).toBeLessThan(name === 'mixtral' ? 0.5 : 0.05);
  expect(relative(after.data, before.data)).toBeGreaterThan(1e-4);
  await plain.close();
});
