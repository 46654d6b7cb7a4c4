import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awq } from '@compress/awq';
import { type Algorithm, compress, defineAlgorithm, loadSection } from '@compress/core';
import { dense } from '@compress/formats';
import { createKernels, type Kernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { goldenFolder, goldenNames, openGolden } from '../golden.test.fixture.ts';

let kernels: Kernels;
let folder: string;
beforeAll(async () => {
  kernels = await createKernels({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'compress-rerun-'));
});
afterAll(async () => {
  await kernels.close();
  await rm(folder, { recursive: true });
});

type Golden = Awaited<ReturnType<typeof openGolden>>;

/** The walk with one transform, calibrated on the golden tokens. */
function transform<Options>(
  name: string,
  { model, checkpoint, sequences }: Golden,
  algorithm: Algorithm<Options>,
  options: Options,
) {
  return compress({
    model,
    checkpoint,
    source: goldenFolder(name),
    output: join(folder, `${name}-${algorithm.name}`),
    pipeline: [{ algorithm: algorithm as Algorithm, options }],
    format: dense,
    calibration: { sequences, digest: 'golden' },
    kernels,
    seed: 0,
    strict: false,
    activationMemory: Number.POSITIVE_INFINITY,
    recipe: {},
    versions: {},
  });
}

/** f32, and streams of size 1 to 10 that are taken apart and added up again. */
const ROUNDING = 1e-4;

test.each(goldenNames)('%s: what the parts add is the model of transformers', async (name) => {
  const golden = await openGolden(name);
  const { model, checkpoint, tokens, sequences } = golden;
  const [embedding, ...others] = model.sections;
  const head = others.at(-1)!;
  const weights = await loadSection(checkpoint, embedding, kernels);
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: sequences.length, length: sequences[0].length, tokens, hidden, state: new Map() };
  await model.open(embedding, weights, kernels).embed!(batch);
  const adding = defineAlgorithm({
    name: 'adding',
    stage: 'transform',
    summary: 'Adds up what the parts of all blocks add.',
    options: z.strictObject({}),
    reruns: () => ({ tokens: tokens.length, times: 1 }),
    async section({ section, weights: own, rerun }) {
      for (const part of section.parts ?? [])
        await kernels.add({ source: await rerun!(part.at(-1)!, own), target: hidden });
    },
  });
  await transform(name, golden, adding, {});
  const headWeights = await loadSection(checkpoint, head, kernels);
  const logits = await model.logits(model.open(head, headWeights, kernels), headWeights, hidden, kernels);
  await checkpoint.close();
  const differences = logits.data.map((value, i) => Math.abs(value - golden.logits[i]));
  expect(differences.reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(ROUNDING);
});

test('whole sequences are kept, spread evenly over all', async () => {
  const golden = await openGolden('llama');
  const sequences = [0, 1, 2, 3, 4].map((i) => golden.tokens.map((token) => (token + i) % golden.model.vocabularySize));
  const kept: Float32Array[] = [];
  const reading = (tokens: number) =>
    defineAlgorithm({
      name: `reading-${tokens}`,
      stage: 'transform',
      summary: 'Reads what the first part adds.',
      options: z.strictObject({}),
      reruns: () => ({ tokens, times: 1 }),
      async section({ section, weights, rerun }) {
        if (section.name === 'blocks.0') kept.push((await rerun!(section.sites[0].name, weights)).data);
      },
    });
  const { length } = sequences[0];
  await transform('llama', { ...golden, sequences }, reading(5 * length), {});
  await transform('llama', { ...golden, sequences }, reading(length + 1), {});
  await golden.checkpoint.close();
  const [all, two] = kept;
  const size = all.length / 5;
  expect(two).toEqual(Float32Array.of(...all.subarray(0, size), ...all.subarray(2 * size, 3 * size)));
});

/** By checkpoint, block and part: the losses of ratios 0, 1/20, ..., of transformers' own modules in f64. */
const losses: Record<string, { attention: number[]; feedForward: number[] }[]> = JSON.parse(
  await readFile(new URL('../../../../packages/awq/goldens/module-losses.json', import.meta.url), 'utf8'),
);

test.each(Object.keys(losses))('%s: AWQ finds the scales with which modules lose least', async (name) => {
  const golden = await openGolden(name);
  const options = awq.options.parse({ objective: 'module', grid: 'int3-asym', groupSize: 'channel', clip: false });
  const { manifest } = await transform(name, golden, awq, options);
  await golden.checkpoint.close();
  const ratioOf = (layer: string) => manifest.layers.find((one) => one.layer === layer)!.figures.ratio;
  for (const [i, { attention, feedForward }] of losses[name].entries()) {
    const { sites, parts } = golden.model.sections[i + 1];
    for (const [part, found] of [attention, feedForward].map((found, at) => [parts![at], found] as const)) {
      const linears = sites.filter((site) => part.includes(site.name)).flatMap((site) => site.linears);
      const reader = linears.find(({ untouched }) => untouched === undefined)!;
      const trial = Math.round(found.length * ratioOf(reader.name));
      const least = Math.min(...found);
      // Later blocks read what the first one leaves, whose weights the checkpoint's dtype rounds once more.
      if (i === 0) expect(trial).toBe(found.indexOf(least));
      else expect(found[trial]).toBeLessThan(1.04 * least);
    }
  }
});
