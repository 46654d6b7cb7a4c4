import {
  type Algorithm,
  budgetObjections,
  budgetSurvey,
  columnsPerGroup,
  defineAlgorithm,
  dequantizeWeight,
  type GroupSize,
  gridFor,
  groupSizeObjection,
  type MeasureLosses,
  type NamedGrids,
  observedForActivations,
  packedBitsPerWeight,
  plannedActivations,
  requireZero,
  roundActivations,
  rowsPerScale,
  shareTensorScale,
} from '@compress/core';
import { type RtnOptions, rtnOptions } from './options.ts';
import { quantizeRtn } from './quantize-rtn.ts';

/** Round to nearest as a step of a pipeline. `named` are grids that recipes may name beside the integer ones. */
export function createRtn(named: NamedGrids = {}): Algorithm<RtnOptions> {
  return defineAlgorithm({
    name: 'rtn',
    stage: 'quantize',
    summary: 'Round to nearest: the baseline that every other algorithm must beat.',
    options: rtnOptions(named),
    // What a budget is dealt out by was measured on tokens, so that there must be some.
    observes: ({ grid, activations, budget }) => [
      ...(grid.scales === 'hessian' || budget !== 'none' ? (['squares'] as const) : []),
      ...observedForActivations(activations),
    ],
    survey: ({ budget, groupSize }) => (budget === 'none' ? undefined : budgetSurvey(budget, measureRtn(groupSize))),

    check({ name, inFeatures }, { groupSize }) {
      const message = groupSizeObjection(inFeatures, groupSize);
      return message === undefined ? undefined : { layer: name, message };
    },
    infers: (section, { activations }) => plannedActivations(section, activations),
    checkTogether: (linears, options) => budgetObjections('rtn', linears, options),
    quantization: ({ inFeatures }, { grid, groupSize, budget }) => ({
      grid,
      groupSize: columnsPerGroup(inFeatures, groupSize),
      scaleRows: rowsPerScale(groupSize),
      ...(budget !== 'none' && { alternatives: budget.choices.slice(1) }),
    }),
    bitsPerWeight: (linear, { grid, groupSize, budget }) =>
      budget === 'none' ? packedBitsPerWeight(linear, grid, groupSize) : budget.bitsPerWeight,

    async site(context, options) {
      const { groupSize, activations } = options;
      const { linears, statistics, kernels, warn } = context;
      const weights = linears.map((linear) => linear.weight);
      const results = [];
      for (const { spec, weight, mask } of linears) {
        const grid = shareTensorScale(gridFor(spec.name, context, options), weights);
        if (statistics.tokens === 0 && (grid.scales === 'hessian' || options.budget !== 'none')) {
          const message = `No calibration token reached it, so ${options.budget === 'none' ? 'its scales come from whole ranges' : 'its errors count nothing in the budget'}.`;
          warn({ code: 'no-tokens', layer: spec.name, message });
        }
        // Zeros of an earlier prune are values of the grid, so that the nearest one keeps them.
        if (mask) requireZero(grid, spec.name);
        const importance = statistics.squares;
        const rounded = await quantizeRtn({ weight, grid, groupSize, importance, layer: spec.name, kernels });
        const bitsPerWeight = packedBitsPerWeight(spec, grid, groupSize);
        results.push({
          quantized: rounded.quantized,
          bitsPerWeight,
          figures: { relativeError: rounded.relativeError },
        });
      }
      if (activations !== 'none') roundActivations(context, activations);
      return results;
    },
  });
}

/** What rounding to nearest leaves of each Linear of a site on each grid. */
function measureRtn(groupSize: GroupSize): MeasureLosses {
  return async (linears, { gram }, grids, kernels) => {
    const hessian = gram!;
    const importance = Float32Array.from({ length: hessian.rows }, (_, c) => hessian.data[c * hessian.rows + c]);
    const losses: number[][] = [];
    for (const { spec, weight } of linears) {
      const ofLinear: number[] = [];
      for (const grid of grids) {
        const { quantized } = await quantizeRtn({ weight, grid, groupSize, importance, layer: spec.name, kernels });
        const right = await dequantizeWeight(quantized, kernels);
        const byRow = await kernels.weightedError({ left: weight, right, hessian });
        ofLinear.push(byRow.reduce((sum, loss) => sum + loss, 0));
      }
      losses.push(ofLinear);
    }
    return losses;
  };
}

/** Round to nearest with the integer grids. */
export const rtn = createRtn();
