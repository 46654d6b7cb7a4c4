import { moveScale, randomStream } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { runModel } from '../testing/run-model.ts';

/** Logits are of size 1 to 10, and every weight is rounded to f32 twice more than before. */
const MAX_DIFFERENCE = 5e-5;

test.each(goldenCases)('%s: scales moved along every link leave the logits as they are', async (name) => {
  const { config, checkpoint, ...sequences } = await readGolden(name);
  const model = modelFromConfig(config, checkpoint.tensors);
  const kernels = createReferenceKernels();
  const random = randomStream(7);
  const links: string[] = [];
  const plain = await runModel(model, checkpoint, sequences, kernels);
  const moved = await runModel(model, checkpoint, sequences, kernels, (section, weights) => {
    for (const link of section.links) {
      const { features } = section.sites.find(({ name }) => name === link.site)!;
      const ofChannel = Float64Array.from({ length: features }, () => 2 ** (4 * random.uniform() - 2));
      const scale = ofChannel.map((_, c) => ofChannel[link.kind === 'linear' ? link.rows.indexOf(link.rows[c]) : c]);
      moveScale(link, section, weights, scale, kernels);
      links.push(link.kind);
    }
  });
  await checkpoint.close();
  expect(largestDifference(moved.data, plain.data)).toBeLessThanOrEqual(MAX_DIFFERENCE);
  const blocks = model.sections.filter(({ kind }) => kind === 'block');
  expect(links.filter((kind) => kind === 'norm').length).toBe(2 * blocks.length);
});

const gelu = ['gpt2', 'gpt_neox', 'gpt_neox-serial'];

test.each(goldenCases)('%s: a link into the inner site wherever there is an exact one', async (name) => {
  const { config, checkpoint } = await readGolden(name);
  const model = modelFromConfig(config, checkpoint.tensors);
  await checkpoint.close();
  for (const { sites, links } of model.sections) {
    const linked = new Set(links.flatMap((link) => [link.site, ...(link.kind === 'norm' ? link.alsoScale : [])]));
    const unlinked = sites.map((site) => site.name).filter((site) => !linked.has(site) && site !== 'head_input');
    expect(unlinked.every((site) => gelu.includes(name) && site.endsWith('feed_forward_inner'))).toBe(true);
    expect(unlinked.length).toBe(gelu.includes(name) && sites.length > 1 ? 1 : 0);
  }
});
