import {
  type Algorithm,
  defineAlgorithm,
  groupSizeObjection,
  moveScale,
  type NamedGrids,
  type SectionContext,
} from '@compress/core';
import type { Matrix } from '@compress/kernels';
import { clipWeight } from './clip-weight.ts';
import { findScales } from './find-scales.ts';
import { observed } from './observed.ts';
import { type AwqOptions, awqOptions } from './options.ts';
import { queriesAndKeys } from './queries-and-keys.ts';
import { roundingLoss } from './rounding.ts';

/** AWQ as a step of a pipeline. `named` are grids that recipes may name beside the integer ones. */
export function createAwq(named: NamedGrids = {}): Algorithm<AwqOptions> {
  return defineAlgorithm({
    name: 'awq',
    stage: 'transform',
    summary:
      'Scales up the channels that activations make important and cuts off the weights that cost their group too much, before a quantizer rounds.',
    options: awqOptions(named),
    observes: ({ scale }) => (scale ? ['gram', 'absmean'] : ['gram']),

    check({ name, inFeatures }, { groupSize }) {
      const message = groupSizeObjection(inFeatures, groupSize);
      return message === undefined ? undefined : { layer: name, message };
    },

    section: transformSection,
  });
}

/** AWQ with the integer grids. */
export const awq = createAwq();

/** All searches of scales see the original weights, searches of clips the weights that the quantizer will see. */
async function transformSection(context: SectionContext, options: AwqOptions): Promise<void> {
  const { section, weights, kernels } = context;
  const treated = section.sites.flatMap((site) =>
    site.linears.filter(({ untouched }) => untouched === undefined).map((spec) => ({ spec, site })),
  );
  const rounding = (layer: string) => ({ grid: options.grid, groupSize: options.groupSize, layer, kernels });
  const rtnLosses: number[] = [];
  for (const { spec, site } of treated) {
    if (context.statistics.get(site.name)?.tokens === 0) context.warn({ ...noTokens, layer: spec.name });
    const { weight } = weights.linears.get(spec.name)!;
    rtnLosses.push(await roundingLoss(weight, weight, observed(context, site.name, 'gram'), rounding(spec.name)));
  }
  const found = options.scale && treated.length > 0 ? await findScales(context, options) : [];
  for (const { link, scale, ratio } of found)
    if (ratio !== undefined) moveScale(link, section, weights, scale, kernels);

  for (const [i, { spec, site }] of treated.entries()) {
    const scales = found.find(({ sites }) => sites.includes(site.name));
    const gram = observed(context, site.name, 'gram');
    const scaled = scales?.ratio === undefined ? gram : divideGram(gram, scales.scale);
    const linear = weights.linears.get(spec.name)!;
    const exempt = queriesAndKeys(section, spec);
    let [clipped, loss] = [0, 0];
    if (options.clip && !exempt?.every((row) => row === 1)) {
      const result = await clipWeight({ ...rounding(spec.name), weight: linear.weight, gram: scaled, exempt });
      weights.linears.set(spec.name, { ...linear, weight: result.weight });
      ({ clipped, loss } = result);
    } else loss = await roundingLoss(linear.weight, linear.weight, scaled, rounding(spec.name));
    context.figures(spec.name, { rtnLoss: rtnLosses[i], loss, ratio: scales?.ratio ?? 0, clipped });
  }
}

/** The gram of activations divided by `scale`. */
function divideGram({ rows, columns, data }: Matrix, scale: Float64Array): Matrix {
  const output = new Float32Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) output[r * columns + c] = data[r * columns + c] / (scale[r] * scale[c]);
  return { rows, columns, data: output };
}

const noTokens = {
  code: 'no-tokens',
  message: 'No calibration token reached it, so it has neither scales nor clips.',
};
