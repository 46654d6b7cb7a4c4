import { type Batch, loadSection, runLinears, runStage } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { runModel } from '../testing/run-model.ts';
import { routeTokens } from './route-tokens.ts';

const kernels = createReferenceKernels();

test.each(goldenCases)('%s: sequences apart give the bits that they give together', async (name) => {
  const { config, checkpoint, tokens, length } = await readGolden(name);
  const model = modelFromConfig(config, checkpoint.tensors);
  const together = await runModel(model, checkpoint, { tokens, length }, kernels);
  const second = await runModel(model, checkpoint, { tokens: tokens.subarray(length), length }, kernels);
  await checkpoint.close();
  expect(second.data).toEqual(together.data.subarray(length * model.vocabularySize));
});

test.each(goldenCases)(
  '%s: stages follow the sites, an input is kept in no second place, and no state outlives its section',
  async (name) => {
    const { config, checkpoint, tokens, length } = await readGolden(name);
    const model = modelFromConfig(config, checkpoint.tensors);
    const hidden = kernels.matrix(tokens.length, model.hiddenSize);
    const batch: Batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
    for (const section of model.sections) {
      const weights = await loadSection(checkpoint, section, kernels);
      const { embed, stages } = model.open(section, weights, kernels);
      await embed?.(batch);
      expect(stages.map(({ site }) => site)).toEqual(section.sites);
      if (section.kind === 'head') continue;
      for (const stage of stages) {
        const input = await stage.input(batch);
        expect(input.columns).toBe(stage.site.features);
        expect([...batch.state.values()]).not.toContain(input);
        await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
      }
      expect(batch.state.size).toBe(0);
    }
    await checkpoint.close();
  },
);

test('mixtral: an expert sees the tokens that chose it, and one that none chose sees none', async () => {
  const { config, checkpoint, tokens, length } = await readGolden('mixtral');
  const model = modelFromConfig(config, checkpoint.tensors);
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch: Batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  const seen: number[][] = [];
  for (const section of model.sections.slice(0, -1)) {
    const weights = await loadSection(checkpoint, section, kernels);
    const { embed, stages } = model.open(section, weights, kernels);
    await embed?.(batch);
    const rows: number[] = [];
    for (const stage of stages) {
      if (/experts\.\d+\.input$/.test(stage.site.name)) rows.push((await stage.input(batch)).rows);
      await runStage(stage, weights, batch, kernels);
    }
    if (section.kind === 'block') seen.push(rows);
  }
  await checkpoint.close();
  // As transformers counted them: printed by make_goldens.py.
  expect(seen).toEqual([
    [11, 14, 5, 6, 22, 25, 1],
    [12, 7, 24, 15, 11, 15, 0],
  ]);
});

test('routing: the best of each row, ties to the lower index, shares that sum to 1', () => {
  const data = Float32Array.from([0, Math.log(3), 0, 5, 5, 5]);
  const routes = routeTokens({ rows: 2, columns: 3, data }, 2).map(({ rows, shares }) => [[...rows], [...shares]]);
  expect(routes).toEqual([
    [
      [0, 1],
      [0.25, 0.5],
    ],
    [
      [0, 1],
      [0.75, 0.5],
    ],
    [[], []],
  ]);
});

test('errors: a token beyond the vocabulary, a sequence beyond learned positions', async () => {
  const { config, checkpoint } = await readGolden('gpt2');
  const model = modelFromConfig(config, checkpoint.tensors);
  const run = (tokens: Uint32Array) => runModel(model, checkpoint, { tokens, length: tokens.length }, kernels);
  await expect(run(Uint32Array.of(1, 67))).rejects.toMatchObject({ code: 'token-unknown' });
  await expect(run(new Uint32Array(33))).rejects.toMatchObject({ code: 'sequence-too-long' });
  await checkpoint.close();
});
