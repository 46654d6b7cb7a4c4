import type { Algorithm, AlgorithmStage } from '../algorithm/algorithm.ts';
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

/** What any of the steps observes, each once. */
export function observationsOf(steps: readonly PipelineStep[]): Observation[] {
  return [...new Set(steps.flatMap(({ algorithm, options }) => algorithm.observes?.(options) ?? []))];
}
