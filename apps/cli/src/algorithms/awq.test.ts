import { awq } from '@compress/awq';
import {
  createStatisticsCollector,
  loadSection,
  randomStream,
  runLinears,
  runSection,
  type SectionContext,
  type SectionProgram,
  type SectionWeights,
  type Statistics,
  stageInput,
} from '@compress/core';
import { createKernels, type Kernels, type Matrix } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goldenNames, openGolden } from '../golden.test.fixture.ts';

let kernels: Kernels;
beforeAll(async () => {
  kernels = await createKernels({ threads: 1 });
});
afterAll(() => kernels.close());

async function openBatch(name: string) {
  const { model, checkpoint, tokens, length } = await openGolden(name);
  const batch = () => {
    const hidden = kernels.matrix(tokens.length, model.hiddenSize);
    return { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  };
  return { model, checkpoint, batch };
}

type Golden = Awaited<ReturnType<typeof openBatch>>;

/** Logits of every position; `change` may replace a section's weights once it has run. */
async function logits(
  { model, checkpoint, batch }: Golden,
  change: (p: Pick<SectionContext, 'section' | 'weights' | 'statistics'>) => Promise<void> = async () => {},
): Promise<Matrix> {
  const [running, observed] = [batch(), batch()];
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    const program = model.open(section, weights, kernels);
    if (section.kind === 'head') return model.logits(program, weights, running.hidden, kernels);
    await change({ section, weights, statistics: await observe(program, weights, observed) });
    await runSection(model.open(section, weights, kernels), weights, running, kernels);
  }
  throw new Error('the model has no head');
}

/** What the walk observes, and the section over the batch. */
async function observe(
  program: SectionProgram,
  weights: SectionWeights,
  batch: ReturnType<Golden['batch']>,
): Promise<Map<string, Statistics>> {
  const statistics = new Map<string, Statistics>();
  await program.embed?.(batch);
  for (const stage of program.stages) {
    const { name, features } = stage.site;
    const input = await stageInput(stage, weights, batch, kernels);
    const observations = ['gram', 'absmean'] as const;
    const collector = createStatisticsCollector({ site: name, features, observations, kernels });
    await collector.observe(input);
    statistics.set(name, await collector.finish());
    await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
  }
  batch.state.clear();
  return statistics;
}

/** f32 rounds weights once more for each scale that meets them. Logits are of size 1 to 10. */
const ROUNDING = 1e-4;

test.each(goldenNames)('%s: scales found on its own activations leave the logits as they are', async (name) => {
  const golden = await openBatch(name);
  const expected = await logits(golden);
  const options = awq.options.parse({ objective: 'gram', grid: 'int3-asym', groupSize: 'channel', clip: false });
  const ratios: number[] = [];
  const scaled = await logits(golden, async (context) => {
    const random = randomStream('unused');
    const figures = (_: string, { ratio }: Readonly<Record<string, number>>) => void ratios.push(ratio);
    await awq.section!({ ...context, model: golden.model, kernels, random, warn: () => {}, figures }, options);
  });
  await golden.checkpoint.close();
  const difference = expected.data.reduce((most, value, i) => Math.max(most, Math.abs(value - scaled.data[i])), 0);
  expect(difference).toBeLessThan(ROUNDING);
  expect(ratios.filter((ratio) => ratio > 0).length).toBeGreaterThan(ratios.length / 3);
});
