import { type ModuleInference, moduleInference } from '../inference/module-inference.ts';
import { inferenceOfSection, type SectionInference } from '../inference/section-inference.ts';
import type { SectionSpec } from '../model/model.ts';
import type { PlanRequest } from './plan.ts';

type Planned = Pick<PlanRequest, 'checkpoint' | 'pipeline'>;

/** What a section's forward pass will do more: what the input's does, and what the steps add. Scales that calibration will find are 1. */
export function plannedInference(section: SectionSpec, { checkpoint, pipeline }: Planned): SectionInference {
  const planned = inferenceOfSection(checkpoint.inference, section);
  for (const { algorithm, options } of pipeline) {
    const added = algorithm.infers?.(section, options);
    if (added === undefined) continue;
    for (const [site, change] of added.sites) planned.sites.set(site, { ...planned.sites.get(site), ...change });
    if (added.attention) planned.attention = { ...planned.attention, ...added.attention };
  }
  return planned;
}

/** The same of the whole model, by module. */
export function plannedModules(request: Planned & Pick<PlanRequest, 'model'>): ModuleInference {
  const { sections } = request.model;
  return moduleInference(sections.map((section) => ({ section, inference: plannedInference(section, request) })));
}
