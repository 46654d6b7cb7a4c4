import type { SectionSpec } from '../model/model.ts';
import { sectionSteps } from '../pipeline/pipeline-step.ts';
import type { WeightConfiguration } from '../plan/weight-configuration.ts';
import type { CalibrationData } from './calibration-data.ts';
import { loadSection } from './load-section.ts';
import { createReporter } from './reporter.ts';
import type { CompressRequest } from './request.ts';
import { createSectionOutput } from './section-output.ts';
import { applyTransforms, floatCopy, replaySection, type TransformWork, transformSection } from './walk-section.ts';

/** A run that goes on after sections that it treated before: their floats are on no disk, and are made again. */
interface Replay {
  readonly request: CompressRequest;
  readonly configuration: WeightConfiguration;
}

/** The float model is the one that transforms leave: they are applied once more, to weights that are forgotten. */
export async function replayFloats(
  walk: Replay,
  section: SectionSpec,
  data: CalibrationData,
  floats: CalibrationData,
): Promise<void> {
  const work = await forgottenWork(walk, section, data);
  await transformSection(work);
  await replaySection({ ...work, weights: floatCopy(work.weights) }, floats);
}

/** Where data goes on in floats: the section as the last transform found it. */
export async function replayTransformed(walk: Replay, section: SectionSpec, data: CalibrationData): Promise<void> {
  const work = await forgottenWork(walk, section, data);
  await applyTransforms(work, sectionSteps(work.pipeline).slice(0, -1));
  await replaySection(work, data);
}

/** A section's weights as they were, for transforms whose results nobody keeps. */
async function forgottenWork(
  { request, configuration }: Replay,
  section: SectionSpec,
  data: CalibrationData,
): Promise<TransformWork> {
  const { model, checkpoint, pipeline, format, kernels, signal } = request;
  return {
    ...{ model, section, pipeline, seed: request.seed, kernels, signal, outputsNeeded: true },
    weights: await loadSection(checkpoint, section, kernels),
    output: createSectionOutput({ checkpoint, format, configuration, location: request.output, kernels }),
    data,
    storedBits: () => 0,
    reporter: createReporter({ strict: false }),
  };
}
