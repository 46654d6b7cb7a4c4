import type { Format } from '../format/format.ts';
import type { ModuleInference } from '../inference/module-inference.ts';
import type { DescribedWeights } from './describe-weights.ts';

/** What goes under `quantization_config`: of weights in codes, where there are such, and of what the format's readers do more. */
export function configure(
  format: Format,
  weights: DescribedWeights | undefined,
  modules: ModuleInference,
): Readonly<Record<string, unknown>> | undefined {
  return weights ? format.configuration({ ...weights, modules }) : format.carrier?.configuration(modules);
}
