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

/** What any of the steps observes, each once. */
export function observationsOf(steps: readonly PipelineStep[]): Observation[] {
  return [...new Set(steps.flatMap(({ algorithm, options }) => algorithm.observes?.(options) ?? []))];
}
