import type { Objection } from '../algorithm/algorithm.ts';
import type { CacheInference, Inference } from '../inference/inference.ts';
import { sectionSteps } from '../pipeline/pipeline-step.ts';
import type { PlanRequest } from './plan.ts';

/** Scales of activations and caches that were calibrated for the model as it comes, and would be wrong after a transform. */
export function checkCalibrated({
  checkpoint: { inference, location },
  pipeline,
}: Pick<PlanRequest, 'checkpoint' | 'pipeline'>): Objection[] {
  const [transform] = sectionSteps(pipeline);
  const layer = inference && firstCalibrated(inference);
  if (!transform || layer === undefined) return [];
  return [
    {
      layer,
      message: `Its activations have a scale that was calibrated for ${location} as it is, and ${transform.algorithm.name} changes them; compress the model that it was made of.`,
    },
  ];
}

function firstCalibrated({ sites, attention }: Inference): string | undefined {
  const site = Object.entries(sites).find(([, { quantizer }]) => typeof quantizer?.scale === 'number');
  const cached = (cache: CacheInference | undefined) => (cache?.keys?.scales ?? cache?.values?.scales) !== undefined;
  const section = Object.entries(attention).find(([, { cache }]) => cached(cache));
  return site?.[0] ?? section?.[0];
}
