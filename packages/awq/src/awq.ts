import {
  type Algorithm,
  defineAlgorithm,
  groupSizeObjection,
  type LinearSpec,
  moveScale,
  type NamedGrids,
  requireFinite,
  requireStatistic,
  type SectionContext,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { type ClippedWeight, clipWeight } from './clip-weight.ts';
import { exemptRows } from './exempt-rows.ts';
import { type FoundScale, findScales } from './find-scales.ts';
import { type AwqOptions, awqOptions } from './options.ts';
import { roundingErrors, sum } from './rounding.ts';
import { roundingOf } from './rounding-of.ts';

/** On which whole modules are tried. */
const MODULE_TOKENS = 2048;

/** AWQ as a step of a pipeline. `named` are grids that recipes may name beside the integer ones. */
export function createAwq(named: NamedGrids = {}): Algorithm<AwqOptions> {
  return defineAlgorithm({
    name: 'awq',
    stage: 'transform',
    summary:
      'Scales up the channels that activations make important and cuts off the weights that cost their group too much, before a quantizer rounds.',
    options: awqOptions(named),
    observes: ({ scale }) => (scale ? ['gram', 'absmean'] : ['gram']),

    reruns: ({ scale, objective, ratios }) =>
      scale && objective === 'module' ? { tokens: MODULE_TOKENS, times: ratios + 1 } : undefined,

    check({ name, inFeatures }, { groupSize }) {
      const message = groupSize === null ? undefined : groupSizeObjection(inFeatures, groupSize);
      return message === undefined ? undefined : { layer: name, message };
    },

    prepares: ({ grid, groupSize }) => ({ ...(grid && { grid }), ...(groupSize && { groupSize }) }),

    section: transformSection,
  });
}

/** AWQ with the integer grids. */
export const awq = createAwq();

/** All searches of scales see the original weights, searches of clips the weights that the quantizer will see. */
async function transformSection(context: SectionContext, options: AwqOptions): Promise<void> {
  const { section, weights, kernels, statistics } = context;
  const gramOf = (site: string) => requireStatistic(statistics.get(site), 'gram', { algorithm: 'AWQ', site });
  const treated = section.sites.flatMap((site) =>
    site.linears
      .filter(({ untouched }) => untouched === undefined)
      .map((spec) => ({ spec, gram: gramOf(site.name), site: site.name })),
  );
  const rounding = (spec: LinearSpec) => ({ ...roundingOf(spec, context, options), layer: spec.name, kernels });
  const rtnErrors = new Map<string, Float64Array>();
  for (const { spec, gram, site } of treated) {
    if (context.statistics.get(site)!.tokens === 0) context.warn({ ...noTokens, layer: spec.name });
    const { weight } = weights.linears.get(spec.name)!;
    requireFinite('weight', weight, { layer: spec.name });
    rtnErrors.set(spec.name, await roundingErrors({ weight, rounded: weight, gram }, rounding(spec)));
  }
  const found = options.scale && treated.length > 0 ? await findScales(context, options) : [];
  for (const { link, scale, ratio } of found)
    if (ratio !== undefined) moveScale(link, section, weights, scale, kernels);

  for (const { spec, gram, site } of treated) {
    const { scale, ratio } = found.find(({ sites }) => sites.includes(site)) ?? {};
    const scaled = ratio === undefined ? gram : divideGram(gram, scale!, kernels);
    const linear = weights.linears.get(spec.name)!;
    const exempt = exemptRows(section, spec);
    let result: Pick<ClippedWeight, 'clipped' | 'loss'>;
    if (options.clip && !exempt?.every((row) => row === 1)) {
      const { weight, ...gains } = await clipWeight({
        ...rounding(spec),
        weight: linear.weight,
        gram: scaled,
        exempt,
      });
      weights.linears.set(spec.name, { ...linear, weight });
      result = gains;
    } else {
      const errors = await roundingErrors(
        { weight: linear.weight, rounded: linear.weight, gram: scaled },
        rounding(spec),
      );
      result = { clipped: 0, loss: sum(errors) };
    }
    const rtnLoss = sum(rtnErrors.get(spec.name)!.map(inUnitsAfter(found, spec.name)));
    context.figures(spec.name, { rtnLoss, loss: result.loss, ratio: ratio ?? 0, clipped: result.clipped });
  }
}

/** Where a scale was moved into rows of a Linear, its outputs are smaller: what an error of row r before is worth after. */
function inUnitsAfter(found: readonly FoundScale[], name: string): (error: number, row: number) => number {
  const divisors = new Map<number, number>();
  for (const { link, scale } of found)
    if (link.kind === 'linear' && link.from === name)
      for (const [channel, row] of link.rows.entries()) divisors.set(row, scale[channel]);
  return (error, row) => error / (divisors.get(row) ?? 1) ** 2;
}

/** The gram of activations divided by `scale`. */
function divideGram({ rows, columns, data }: Matrix, scale: Float64Array, kernels: Kernels): Matrix {
  const output = kernels.matrix(rows, columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) output.data[r * columns + c] = data[r * columns + c] / (scale[r] * scale[c]);
  return output;
}

const noTokens = {
  code: 'no-tokens',
  message: 'No calibration token reached it, so it has neither scales nor clips.',
};
