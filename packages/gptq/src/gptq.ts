import {
  type Algorithm,
  CompressError,
  columnsPerGroup,
  defineAlgorithm,
  factorizeGram,
  groupSizeObjection,
  type NamedGrids,
  observedForActivations,
  packedBits,
  roundActivations,
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
    observes: ({ activations }) => ['gram', ...observedForActivations(activations)],

    check({ name, inFeatures }, { grid, groupSize, order }) {
      const message = groupSizeObjection(inFeatures, groupSize) ?? orderObjection(grid, groupSize, order);
      return message === undefined ? undefined : { layer: name, message };
    },
    quantization({ inFeatures }, { grid, groupSize, order }) {
      const size = columnsPerGroup(inFeatures, groupSize);
      return { grid, groupSize: size, reordered: order === 'act' && size < inFeatures };
    },
    bitsPerWeight: ({ outFeatures, inFeatures }, { grid, groupSize }) =>
      packedBits(grid, groupSize, [outFeatures, inFeatures]) / (outFeatures * inFeatures),

    async site(context, options) {
      const { site, linears, kernels, warn } = context;
      const { gram, tokens } = context.statistics;
      if (!gram)
        throw new CompressError('statistics-missing', 'GPTQ needs the gram of its site.', { layer: site.name });
      const { order, damping } = options;
      const factorization = await factorizeGram({
        gram,
        strongestFirst: order !== 'none',
        damping,
        layer: site.name,
        kernels,
      });
      const warnings = tokens === 0 ? [noTokens] : [...fewTokens(tokens, site.features), ...factorization.warnings];
      const results = [];
      for (const { spec, weight, mask } of linears) {
        const layer = spec.name;
        const result = await quantizeGptq({ ...options, weight, mask, gram, factorization, layer, kernels });
        for (const warning of warnings) warn({ ...warning, layer });
        const { quantized, loss, rtnLoss } = result;
        results.push({ quantized, figures: { loss, rtnLoss, damping: result.damping } });
      }
      if (options.activations !== 'none') roundActivations(context, options.activations);
      return results;
    },
  });
}

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
