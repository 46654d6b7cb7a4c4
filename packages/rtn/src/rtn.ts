import {
  type Algorithm,
  columnsPerGroup,
  defineAlgorithm,
  groupSizeObjection,
  type NamedGrids,
  observedForActivations,
  packedBits,
  requireZero,
  roundActivations,
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
    observes: ({ grid, activations }) => [
      ...(grid.scales === 'hessian' ? (['squares'] as const) : []),
      ...observedForActivations(activations),
    ],

    check({ name, inFeatures }, { groupSize }) {
      const message = groupSizeObjection(inFeatures, groupSize);
      return message === undefined ? undefined : { layer: name, message };
    },
    quantization: ({ inFeatures }, { grid, groupSize }) => ({
      grid,
      groupSize: columnsPerGroup(inFeatures, groupSize),
    }),
    bitsPerWeight: ({ outFeatures, inFeatures }, { grid, groupSize }) =>
      packedBits(grid, groupSize, [outFeatures, inFeatures]) / (outFeatures * inFeatures),

    async site(context, { grid, groupSize, activations }) {
      const { linears, statistics, kernels, warn } = context;
      const results = [];
      for (const { spec, weight, mask } of linears) {
        if (grid.scales === 'hessian' && statistics.tokens === 0)
          warn({
            code: 'no-tokens',
            layer: spec.name,
            message: 'No calibration token reached it, so its scales come from whole ranges.',
          });
        // Zeros of an earlier prune are values of the grid, so that the nearest one keeps them.
        if (mask) requireZero(grid, spec.name);
        const importance = statistics.squares;
        const rounded = await quantizeRtn({ weight, grid, groupSize, importance, layer: spec.name, kernels });
        results.push({ quantized: rounded.quantized, figures: { relativeError: rounded.relativeError } });
      }
      if (activations !== 'none') roundActivations(context, activations);
      return results;
    },
  });
}

/** Round to nearest with the integer grids. */
export const rtn = createRtn();
