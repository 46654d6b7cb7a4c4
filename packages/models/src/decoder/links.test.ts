import { type Link, randomStream, type SectionSpec, type SectionWeights } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { runModel } from '../testing/run-model.ts';

/** Scales are powers of two, so only a gain stored less 1 is rounded. */
const MAX_DIFFERENCE = 2e-5;

test.each(goldenCases)('%s: scales moved along every link leave the logits as they are', async (name) => {
  const { config, checkpoint, ...sequences } = await readGolden(name);
  const model = modelFromConfig(config, checkpoint.tensors);
  const kernels = createReferenceKernels();
  const links: string[] = [];
  const plain = await runModel(model, checkpoint, sequences, kernels);
  const moved = await runModel(model, checkpoint, sequences, kernels, (section, weights) => {
    for (const link of section.links) {
      move(link, section, weights);
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

function move(link: Link, section: SectionSpec, weights: SectionWeights): void {
  const random = randomStream(7);
  const site = section.sites.find((one) => one.name === link.site)!;
  const scale = Float32Array.from({ length: 1000 }, () => 2 ** (random.integer(5) - 2));
  if (link.kind === 'norm') {
    const gain = weights.tensors.get(link.gain)!;
    const offset = link.unitOffset ? 1 : 0;
    gain.forEach((value, j) => {
      gain[j] = (value + offset) / scale[j] - offset;
    });
    const bias = link.bias === undefined ? undefined : weights.tensors.get(link.bias)!;
    bias?.forEach((value, j) => {
      bias[j] = value / scale[j];
    });
    for (const one of section.sites)
      if (one === site || link.alsoScale.includes(one.name)) scaleColumns(one.linears, (j) => scale[j]);
    return;
  }
  const from = weights.linears.get(link.from)!;
  for (const row of new Set(link.rows)) {
    const start = row * from.weight.columns;
    for (let c = 0; c < from.weight.columns; c++) from.weight.data[start + c] /= scale[row];
    if (from.bias) from.bias[row] /= scale[row];
  }
  scaleColumns(site.linears, (j) => scale[link.rows[j]]);

  function scaleColumns(linears: readonly { readonly name: string }[], of: (column: number) => number): void {
    for (const { name } of linears) {
      const { data, columns } = weights.linears.get(name)!.weight;
      data.forEach((value, i) => {
        data[i] = value * of(i % columns);
      });
    }
  }
}
