import { columnsPerGroup, groupSizeObjection } from '../grid/group-size.ts';
import { quantizationOf, sectionSteps, stageOf } from '../pipeline/pipeline-step.ts';
import { treatable } from '../walk/treat-site.ts';
import type { Plan, PlanRequest } from './plan.ts';

/** Transforms that prepare weights for another rounding than the one that follows: one warning each. */
export function checkPreparations({ model, pipeline }: Pick<PlanRequest, 'model' | 'pipeline'>): Plan['warnings'] {
  const quantizer = pipeline.find((step) => stageOf(step) === 'quantize');
  const quantization = quantizationOf(pipeline);
  if (!quantizer || !quantization) return [];
  const linears = model.sections.flatMap(({ sites }) => sites.flatMap(treatable));
  return sectionSteps(pipeline).flatMap(({ algorithm, options }) => {
    const { grid, groupSize } = algorithm.prepares?.(options) ?? {};
    for (const linear of linears) {
      // What cannot be cut into groups is another objection of the plan.
      if (groupSize !== undefined && groupSizeObjection(linear.inFeatures, groupSize) !== undefined) continue;
      if (quantizer.algorithm.check?.(linear, quantizer.options)) continue;
      const own = {
        grid,
        groupSize: groupSize === undefined ? undefined : columnsPerGroup(linear.inFeatures, groupSize),
      };
      const later = quantization(linear);
      const otherGrid = own.grid && (own.grid.name !== later.grid.name || own.grid.scales !== later.grid.scales);
      if (!otherGrid && (own.groupSize === undefined || own.groupSize === later.groupSize)) continue;
      const describe = (one: typeof own) =>
        [
          ...(one.grid ? [`${one.grid.name} with ${one.grid.scales} scales`] : []),
          ...(one.groupSize === undefined ? [] : [`groups of ${one.groupSize}`]),
        ].join(' in ');
      const message = `It prepares for ${describe(own)}, but ${quantizer.algorithm.name} rounds to ${describe(later)}; leave out what differs, and it takes that from ${quantizer.algorithm.name}.`;
      return [{ algorithm: algorithm.name, code: 'other-rounding', layer: linear.name, message }];
    }
    return [];
  });
}
