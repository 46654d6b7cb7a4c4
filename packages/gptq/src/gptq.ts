import {
  type Algorithm,
  budgetObjections,
  budgetSurvey,
  columnsPerGroup,
  defineAlgorithm,
  factorizeGram,
  gridFor,
  groupSizeObjection,
  type MeasureLosses,
  type NamedGrids,
  observedForActivations,
  packedBitsPerWeight,
  plannedActivations,
  requireStatistic,
  roundActivations,
  rowsPerScale,
  shareTensorScale,
} from '@compress/core';
import { type GptqOptions, gptqOptions } from './options.ts';
import { orderObjection } from './order-objection.ts';
import { quantizeGptq } from './quantize-gptq.ts';

/** GPTQ as a step of a pipeline. `named` are grids that recipes may name beside the integer ones. */
export function createGptq(named: NamedGrids = {}): Algorithm<GptqOptions> {
  return defineAlgorithm({
    name: 'gptq',
    stage: 'quantize',
    summary:
      'Rounds columns one by one and lets later ones make good the errors of earlier ones, by second-order statistics.',
    options: gptqOptions(named),
    observes: ({ activations, targets }) => [
      'gram',
      ...(targets === 'float' ? (['crossGram'] as const) : []),
      ...observedForActivations(activations),
    ],

    survey: ({ budget, order, damping, groupSize }) =>
      budget === 'none' ? undefined : budgetSurvey(budget, measureGptq({ order, damping, groupSize })),

    check({ name, inFeatures }, { grid, groupSize, order, budget }) {
      const grids = budget === 'none' ? [grid] : budget.choices;
      const message =
        groupSizeObjection(inFeatures, groupSize) ??
        grids.map((one) => orderObjection(one, groupSize, order)).find((objection) => objection !== undefined);
      return message === undefined ? undefined : { layer: name, message };
    },
    infers: (section, { activations }) => plannedActivations(section, activations),
    checkTogether: (linears, options) => budgetObjections('gptq', linears, options),
    quantization({ inFeatures }, { grid, groupSize, order, budget }) {
      const size = columnsPerGroup(inFeatures, groupSize);
      return {
        grid,
        groupSize: size,
        scaleRows: rowsPerScale(groupSize),
        reordered: order === 'act' && size < inFeatures,
        ...(budget !== 'none' && { alternatives: budget.choices.slice(1) }),
      };
    },
    bitsPerWeight: (linear, { grid, groupSize, budget }) =>
      budget === 'none' ? packedBitsPerWeight(linear, grid, groupSize) : budget.bitsPerWeight,

    async site(context, options) {
      const { site, linears, kernels, warn } = context;
      const { crossGram, tokens } = context.statistics;
      const gram = requireStatistic(context.statistics, 'gram', { algorithm: 'GPTQ', site: site.name });
      const { order, damping } = options;
      const factorization = await factorizeGram({
        gram,
        strongestFirst: order !== 'none',
        damping,
        layer: site.name,
        kernels,
      });
      const warnings = tokens === 0 ? [noTokens] : [...fewTokens(tokens, site.features), ...factorization.warnings];
      if (options.targets === 'float' && !crossGram) warnings.push(notPaired);
      const weights = linears.map((linear) => linear.weight);
      const results = [];
      for (const { spec, weight, mask } of linears) {
        const layer = spec.name;
        const grid = shareTensorScale(gridFor(layer, context, options), weights);
        const result = await quantizeGptq({
          ...options,
          grid,
          weight,
          mask,
          gram,
          crossGram,
          factorization,
          layer,
          kernels,
        });
        for (const warning of warnings) warn({ ...warning, layer });
        const { quantized, loss, rtnLoss } = result;
        const bitsPerWeight = packedBitsPerWeight(spec, grid, options.groupSize);
        results.push({ quantized, bitsPerWeight, figures: { loss, rtnLoss, damping: result.damping } });
      }
      if (options.activations !== 'none') roundActivations(context, options.activations);
      return results;
    },
  });
}

/** What GPTQ leaves of each Linear of a site on each grid. */
function measureGptq(options: Pick<GptqOptions, 'order' | 'damping' | 'groupSize'>): MeasureLosses {
  return async (linears, { gram }, grids, kernels) => {
    const { order, damping } = options;
    const strongestFirst = order !== 'none';
    const layer = linears[0].spec.name;
    const factorization = await factorizeGram({ gram: gram!, strongestFirst, damping, layer, kernels });
    const losses: number[][] = [];
    for (const { spec, weight } of linears) {
      const ofLinear: number[] = [];
      for (const grid of grids) {
        const request = { ...options, weight, gram: gram!, grid, factorization, layer: spec.name, kernels };
        ofLinear.push((await quantizeGptq(request)).loss);
      }
      losses.push(ofLinear);
    }
    return losses;
  };
}

const notPaired = {
  code: 'not-paired',
  message:
    'Tokens reached it in the float model that did not reach it now, or the other way round: its target is what it makes itself.',
};

const noTokens = {
  code: 'no-tokens',
  message: 'No calibration token reached it, so there is no error to feed forward: it was rounded to nearest.',
};

/** With fewer tokens than channels the result is still better than rounding to nearest, and worse than with more tokens. */
function fewTokens(tokens: number, features: number) {
  if (tokens >= features) return [];
  const message = `Only ${tokens} calibration tokens reached its ${features} input channels; damping is what makes the Hessian invertible.`;
  return [{ code: 'few-tokens', message }];
}

/** GPTQ with the integer grids. */
export const gptq = createGptq();
