import type { Grid } from '../grid/grid.ts';
import type { ModuleInference } from '../inference/module-inference.ts';
import { quantizationOf } from '../pipeline/pipeline-step.ts';
import { treatable } from '../walk/treat-site.ts';
import { configure } from './configure.ts';
import type { Plan, PlanRequest } from './plan.ts';
import { planLinears } from './plan-linears.ts';
import { plannedModules } from './planned-inference.ts';

/** What goes under `quantization_config`, as far as a walk knows it. */
export interface WeightConfiguration {
  /** Linears are on several grids, so that a walk must remember which got which. */
  readonly mixed: boolean;
  /** By module path: grids by the names that a walk remembered. Throws `TypeError` for one that the plan does not foresee. */
  gridsNamed(names: Readonly<Record<string, string>>): ReadonlyMap<string, Grid>;
  /** To read back what of a checkpoint is in codes already: Linears on these grids, if there are several. Scales of activations are 1. */
  ofSome(grids: ReadonlyMap<string, Grid>): Readonly<Record<string, unknown>> | undefined;
  /** Of the whole output. */
  ofAll(grids: ReadonlyMap<string, Grid>, modules: ModuleInference): Readonly<Record<string, unknown>> | undefined;
}

/** Of a request that was planned. */
export function createWeightConfiguration(
  request: Omit<PlanRequest, 'calibration' | 'kernels'>,
  plan: Pick<Plan, 'configuration'>,
): WeightConfiguration {
  const { format, model, pipeline } = request;
  const { described } = planLinears(request);
  const planned = plannedModules(request);
  return {
    mixed: described?.grids !== undefined,
    gridsNamed(names) {
      const quantization = quantizationOf(pipeline);
      const specs = model.sections.flatMap(({ sites }) => sites.flatMap(treatable));
      const byLayer = new Map(specs.map((spec) => [spec.name, spec]));
      const found = Object.entries(names).map(([layer, name]) => {
        const { grid, alternatives = [] } = quantization!(byLayer.get(layer)!);
        const named = [grid, ...alternatives].find((one) => one.name === name);
        if (!named) throw new TypeError(`${layer} is on ${name}, which the plan did not foresee`);
        return [layer, named] as const;
      });
      return new Map(found);
    },
    ofSome(grids) {
      if (described?.grids === undefined || grids.size === 0) return plan.configuration;
      return configure(format, { ...described, grids, quantized: [...grids.keys()], untouched: [] }, planned);
    },
    ofAll(grids, modules) {
      if (described?.grids === undefined) return configure(format, described, modules);
      return configure(format, { ...described, grids: new Map([...described.grids, ...grids]) }, modules);
    },
  };
}
