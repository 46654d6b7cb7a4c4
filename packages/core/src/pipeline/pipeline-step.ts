import type { Algorithm, AlgorithmStage } from '../algorithm/algorithm.ts';
import type { LinearSpec } from '../model/model.ts';
import type { Observation } from '../statistics/statistics.ts';

/** One step of a pipeline with its options, parsed by the algorithm's own schema. */
export interface PipelineStep {
  readonly algorithm: Algorithm;
  readonly options: unknown;
}

/** A step's place in a pipeline. */
export function stageOf({ algorithm, options }: PipelineStep): AlgorithmStage {
  return algorithm.stageFor?.(options) ?? algorithm.stage;
}

/** The steps that see whole sections. */
export function sectionSteps(pipeline: readonly PipelineStep[]): PipelineStep[] {
  return pipeline.filter((step) => stageOf(step) === 'transform');
}

/** The steps that treat the Linears of one site after the other. */
export function siteSteps(pipeline: readonly PipelineStep[]): PipelineStep[] {
  return pipeline.filter((step) => stageOf(step) === 'prune' || stageOf(step) === 'quantize');
}

/** What the pipeline's quantizer will leave of a Linear, or undefined where nothing quantizes. */
export function quantizationOf(
  pipeline: readonly PipelineStep[],
): ((linear: LinearSpec) => NonNullable<ReturnType<NonNullable<Algorithm['quantization']>>>) | undefined {
  const step = pipeline.find((one) => stageOf(one) === 'quantize');
  if (!step) return undefined;
  return (linear) => {
    const quantization = step.algorithm.quantization?.(linear, step.options);
    if (!quantization)
      throw new TypeError(`${step.algorithm.name} is a quantize step and must say its grid (quantization)`);
    return quantization;
  };
}

/** The step that says how caches are kept. */
export function cacheStep(pipeline: readonly PipelineStep[]): PipelineStep | undefined {
  return pipeline.find((step) => stageOf(step) === 'cache');
}

/** What the cache's step must have watched in calibration. */
export function watchedCache(
  pipeline: readonly PipelineStep[],
): ReturnType<NonNullable<PipelineStep['algorithm']['watches']>> {
  const step = cacheStep(pipeline);
  return step?.algorithm.watches?.(step.options);
}

/** Whether a step must see calibration data. */
export function seesCalibration(step: PipelineStep): boolean {
  return observationsOf([step]).length > 0 || rerunsOf([step]).length > 0 || watchedCache([step]) !== undefined;
}

/**
 * Whether calibration data goes through the float model, not through what is made of it: where nothing but transforms observes, and the last of them does.
 * Transforms keep the function, so their own pass is the only one (AWQ and SmoothQuant are calibrated so in their papers).
 */
export function goesOnInFloats(pipeline: readonly PipelineStep[]): boolean {
  const last = sectionSteps(pipeline).at(-1);
  const others = pipeline.filter((step) => stageOf(step) !== 'transform');
  return last !== undefined && seesCalibration(last) && !others.some(seesCalibration);
}

/** What any of the steps observes, each once. */
export function observationsOf(steps: readonly PipelineStep[]): Observation[] {
  return [...new Set(steps.flatMap(({ algorithm, options }) => algorithm.observes?.(options) ?? []))];
}

/** How any of the transforms run parts of sections again. */
export function rerunsOf(
  steps: readonly PipelineStep[],
): NonNullable<ReturnType<NonNullable<PipelineStep['algorithm']['reruns']>>>[] {
  return sectionSteps(steps).flatMap(({ algorithm, options }) => algorithm.reruns?.(options) ?? []);
}
