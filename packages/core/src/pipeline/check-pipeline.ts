import type { AlgorithmStage } from '../algorithm/algorithm.ts';
import type { Format } from '../format/format.ts';
import { type PipelineStep, sectionSteps, stageOf } from './pipeline-step.ts';

const STAGES: readonly AlgorithmStage[] = ['transform', 'prune', 'quantize', 'cache'];

const REASONS: Readonly<Record<string, string>> = {
  'prune transform': 'a transform after it would fill the zeros that pruning made',
  'quantize transform': 'a transform after it would change weights that are codes already',
  'quantize prune': 'pruning after it would throw away codes that were chosen to make up for each other',
  'cache transform': 'a transform after it would change the keys and values that the cache was fitted to',
  'cache prune': 'pruning after it would change the keys and values that the cache was fitted to',
  'cache quantize': 'quantizing after it would change the keys and values that the cache was fitted to',
};

/** What is wrong with a pipeline before any layer is looked at: its order, and what its format needs. Each a whole sentence. */
export function checkPipeline(p: {
  readonly pipeline: readonly PipelineStep[];
  readonly allowReorder: boolean;
  readonly format: Format;
  /** The format has something to tell its readers even if no weight is in codes. */
  readonly carried?: boolean;
}): string[] {
  const algorithms = p.pipeline.map((step) => ({ name: step.algorithm.name, stage: stageOf(step) }));
  const quantizers = algorithms.filter(({ stage }) => stage === 'quantize');
  const problems: string[] = [];
  if (algorithms.length === 0) problems.push('The pipeline is empty; name at least one algorithm.');
  for (const [i, later] of algorithms.entries()) {
    const earlier = algorithms.slice(0, i).find(({ stage }) => STAGES.indexOf(stage) > STAGES.indexOf(later.stage));
    if (earlier === undefined || p.allowReorder) continue;
    const reason = REASONS[`${earlier.stage} ${later.stage}`];
    problems.push(
      `${later.name} (${later.stage}) comes after ${earlier.name} (${earlier.stage}), but ${reason}; change the order, or write "allowReorder: true".`,
    );
  }
  const transforms = sectionSteps(p.pipeline);
  for (const { algorithm, options } of transforms.slice(0, -1)) {
    const reason = algorithm.mustBeLast?.(options);
    if (reason !== undefined)
      problems.push(
        `${algorithm.name} must come after ${transforms.at(-1)!.algorithm.name}: ${reason}; change the order.`,
      );
  }
  if (quantizers.length > 1)
    problems.push(
      `A pipeline can quantize once, but ${quantizers.map(({ name }) => name).join(' and ')} both do; keep one of them.`,
    );
  const caches = algorithms.filter(({ stage }) => stage === 'cache');
  if (caches.length > 1)
    problems.push(
      `A pipeline can treat the cache once, but ${caches.map(({ name }) => name).join(' and ')} both do; keep one of them.`,
    );
  if (p.format.storesCodes && quantizers.length === 0 && !p.carried)
    problems.push(
      `The format ${p.format.name} stores codes but nothing in the pipeline quantizes; add a quantize step or choose the format "dense".`,
    );
  const weightSteps = algorithms.filter(({ stage }) => stage === 'prune' || stage === 'quantize');
  if (p.format.storesCodes && quantizers.length > 0 && weightSteps.at(-1)?.stage === 'prune')
    problems.push(
      `${weightSteps.at(-1)!.name} prunes after the weights became codes, so the format ${p.format.name} has none to store; prune first or choose the format "dense".`,
    );
  return problems;
}
