import type { PipelineStep } from '@compress/core';
import type { Registry } from '../registry.ts';

/** The steps of a pipeline that its schema has accepted: each a map with the name of one algorithm and its options. */
export function pipelineSteps(
  pipeline: readonly Readonly<Record<string, unknown>>[],
  { algorithms }: Registry,
): PipelineStep[] {
  return pipeline.map((step) => {
    const [name, options] = Object.entries(step)[0];
    return { algorithm: algorithms.find((algorithm) => algorithm.name === name)!, options };
  });
}
