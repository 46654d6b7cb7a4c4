import { z } from 'zod';
import { defineAlgorithm, type LinearResult } from '../../algorithm/algorithm.ts';
import { integerGrid } from '../../grid/integer-grid.ts';
import { dequantizeWeight, quantizeWeight } from '../../grid/quantize-weight.ts';

const grid = integerGrid({ bits: 4, scaleType: 'f32' });

/** Rounds to nearest after adding a part of the mean activation to every row, so that each code hangs on what was observed. */
export const toyQuantize = defineAlgorithm({
  name: 'toy-quantize',
  stage: 'quantize',
  summary: 'Rounds, moved by the mean activation.',
  options: z.strictObject({ move: z.number().default(0.1), warn: z.boolean().default(false) }),
  observes: () => ['mean'],
  check: ({ name, inFeatures }, { move }) =>
    move > 100 ? { layer: name, message: `A move of ${move} is too far for ${inFeatures} columns.` } : undefined,
  quantization: ({ inFeatures }) => ({ grid, groupSize: inFeatures }),
  bitsPerWeight: ({ inFeatures }) => 4 + 32 / inFeatures,
  async site({ site, linears, statistics, kernels, warn }, options) {
    if (options.warn) warn({ code: 'toy', layer: site.name, message: 'This is a toy.' });
    const results: LinearResult[] = [];
    for (const { weight, mask } of linears) {
      const data = weight.data.map((w, i) =>
        mask?.[i] ? 0 : w + options.move * (statistics.mean?.[i % weight.columns] ?? 0),
      );
      const quantized = await quantizeWeight({
        weight: { ...weight, data },
        grid,
        groupSize: 'channel',
        kernels,
      });
      const mean = statistics.mean?.reduce((sum, value) => sum + value, 0) ?? 0;
      results.push({ quantized, figures: { mean, tokens: statistics.tokens } });
    }
    return results;
  },
});

/** Rounds and looks at nothing. */
export const toyRound = defineAlgorithm({
  name: 'toy-round',
  stage: 'quantize',
  summary: 'Rounds to nearest.',
  options: z.strictObject({}),
  quantization: ({ inFeatures }) => ({ grid, groupSize: inFeatures }),
  bitsPerWeight: ({ inFeatures }) => 4 + 32 / inFeatures,
  async site({ linears, kernels }) {
    const results: LinearResult[] = [];
    for (const { weight } of linears) {
      const quantized = await quantizeWeight({ weight, grid, groupSize: 'channel', kernels });
      const values = await dequantizeWeight(quantized, kernels);
      const error = weight.data.reduce((sum, w, i) => sum + (w - values.data[i]) ** 2, 0);
      results.push({ quantized, figures: { error } });
    }
    return results;
  },
});

/** Zeroes the weights that matter least by |w| sqrt(mean x^2), half of each row (Wanda). */
export const toyPrune = defineAlgorithm({
  name: 'toy-prune',
  stage: 'prune',
  summary: 'Prunes half of every row.',
  options: z.strictObject({}),
  observes: () => ['squares'],
  async site({ linears, statistics }) {
    return linears.map(({ weight: { rows, columns, data } }) => {
      const mask = new Uint8Array(data.length);
      const score = (i: number) => Math.abs(data[i]) * Math.sqrt(statistics.squares![i % columns]);
      for (let r = 0; r < rows; r++) {
        const order = Array.from({ length: columns }, (_, c) => r * columns + c).sort((a, b) => score(a) - score(b));
        for (const i of order.slice(0, columns / 2)) mask[i] = 1;
      }
      const weight = { rows, columns, data: data.map((w, i) => (mask[i] ? 0 : w)) };
      return { weight, mask, figures: { zeros: (rows * columns) / 2 } };
    });
  },
});

/** Moves each channel's largest activation out of the norm and into the Linears behind it (SmoothQuant's algebra). */
export const toyScale = defineAlgorithm({
  name: 'toy-scale',
  stage: 'transform',
  summary: 'Scales channels by what was observed.',
  options: z.strictObject({}),
  observes: () => ['absmax'],
  async section({ section, weights, statistics, figures }) {
    for (const link of section.links) {
      if (link.kind !== 'norm') continue;
      const absmax = statistics.get(link.site)!.absmax!;
      weights.tensors.set(
        link.gain,
        weights.tensors.get(link.gain)!.map((gain, c) => gain / absmax[c]),
      );
      for (const { name } of section.sites.find((site) => site.name === link.site)!.linears) {
        const linear = weights.linears.get(name)!;
        const data = linear.weight.data.map((w, i) => w * absmax[i % linear.weight.columns]);
        weights.linears.set(name, { ...linear, weight: { ...linear.weight, data } });
        figures(name, { largest: absmax.reduce((a, b) => Math.max(a, b)) });
      }
    }
  },
});
