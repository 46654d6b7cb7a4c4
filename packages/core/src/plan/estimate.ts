import { countWeights } from '../model/count-weights.ts';
import type { SectionSpec } from '../model/model.ts';
import {
  goesOnInFloats,
  observationsOf,
  rerunsOf,
  sectionSteps,
  seesCalibration,
  siteSteps,
  watchedCache,
} from '../pipeline/pipeline-step.ts';
import { batchSize } from '../walk/calibration-data.ts';
import { keptSequences } from '../walk/part-inputs.ts';
import { noisyLinears, sensitivityMemory, sensitivityTokens } from '../walk/sensitivity-extent.ts';
import { needsSensitivities, surveysOf } from '../walk/survey-model.ts';
import { treatable } from '../walk/treat-site.ts';
import type { Plan, PlanRequest } from './plan.ts';

/** Floating-point operations a second and thread that the walk as a whole reaches, measured on a 2-core machine; only an order of size. */
const SPEED = { fma: 25e9, 'mul-add': 12e9, reference: 0.5e9 } as const;
/** Bytes a second read, converted and written. */
const STORAGE_SPEED = 200e6;
/** Operations that rounding one weight costs without statistics. */
const ROUNDING_FLOPS = 100;
/** Operations in the time of one normal number, and of one logit's share of a divergence: one thread does them. */
const NOISE_FLOPS = 30_000;
const DIVERGENCE_FLOPS = 200;
/** Node itself with the program loaded, and the staging memory of one thread. */
const PROCESS_MEMORY = 90e6;
const THREAD_MEMORY = 40e6;
/** What a walk over calibration data has dropped and the engine has not collected yet; with it every peak measured so far stays below the plan's. */
const UNCOLLECTED_MEMORY = 100e6;
/** Copies of a gram that second-order algorithms hold at one time: itself, permuted, factored, inverse. */
const GRAM_COPIES = 4;
const F32 = 4;

/** Index of the last section that observes anything, or -1. */
export function lastObservedSection({ model, pipeline }: Pick<PlanRequest, 'model' | 'pipeline'>): number {
  const transforms = sectionSteps(pipeline).some(seesCalibration);
  const sites = observationsOf(siteSteps(pipeline)).length > 0;
  const caches = watchedCache(pipeline) !== undefined;
  return model.sections.findLastIndex(
    (section) =>
      (transforms && section.sites.length > 0) ||
      (sites && section.sites.some((site) => treatable(site).length > 0)) ||
      (caches && section.attention !== undefined),
  );
}

/** Operations of each section: its forward pass as far as it is run, its statistics, its rounding. */
export function estimateFlops(request: PlanRequest, lastObserved: number): number[] {
  const { model, pipeline, calibration } = request;
  const tokens = calibration ? calibration.sequences * calibration.length : 0;
  const observations = observationsOf(siteSteps(pipeline));
  const observing = sectionSteps(pipeline).filter(seesCalibration).length;
  const paired = observations.includes('crossGram') ? 1 : 0;
  const surveys = surveysOf(pipeline);
  const ownPasses = goesOnInFloats(pipeline) ? 0 : 1;
  const floatPasses = observing + Math.min(surveys.length, 1) + paired;
  const grams = [observations, ...surveys.map(({ observes }) => observes)].filter((all) => all.includes('gram')).length;
  const weighed = surveys.reduce((sum, { roundings = 0 }) => sum + roundings, 0);
  const again = rerunsOf(pipeline).reduce((sum, { tokens, times }) => sum + times * keptTokens(calibration, tokens), 0);
  const noisy = calibration && needsSensitivities(pipeline) ? sensitivityTokens(calibration) : 0;
  return model.sections.map((section, index) => {
    let flops = 0;
    if (noisy > 0) flops += noisyFlops(model, index, noisy);
    if (index <= lastObserved) {
      const attention = section.kind === 'block' ? 2 * (calibration?.length ?? 0) * model.hiddenSize : 0;
      const weights = section.kind === 'head' ? 0 : weightCount(section);
      const runs = (ownPasses + floatPasses) * tokens + (section.parts ? again : 0);
      flops += runs * (2 * weights + attention);
    }
    for (const site of section.sites) {
      const linears = siteSteps(pipeline).length > 0 ? treatable(site) : [];
      if (linears.length === 0) continue;
      const square = site.features ** 2;
      flops += grams * square * (tokens + site.features);
      flops += paired * 2 * square * tokens;
      for (const { outFeatures, inFeatures } of linears)
        flops +=
          outFeatures *
          inFeatures *
          ((observations.includes('gram') ? inFeatures : ROUNDING_FLOPS) + weighed * inFeatures);
    }
    return flops;
  });
}

/** Tokens on which parts of a section are run again. */
function keptTokens(calibration: PlanRequest['calibration'], tokens: number): number {
  return calibration ? keptSequences(calibration, tokens) * calibration.length : 0;
}

/** What noise added to one Linear at a time makes of a section: forward passes of so many tokens, the noise itself, and divergences at the head. */
function noisyFlops({ sections, vocabularySize }: PlanRequest['model'], index: number, tokens: number): number {
  const section = sections[index];
  const own = noisyLinears(section);
  // Those of every section before, and one without noise for each of these; then its own, and the one that leads on.
  const before = sections.slice(0, index).map((one) => noisyLinears(one).length);
  const arriving = before.reduce((sum, count) => sum + (count > 0 ? count + 1 : 0), 0);
  if (section.kind === 'head')
    return arriving * tokens * (2 * weightCount(section) + vocabularySize * DIVERGENCE_FLOPS);
  const noise = countWeights(own) * NOISE_FLOPS;
  return (arriving + own.length + 1) * tokens * 2 * weightCount(section) + noise;
}

export function estimateSeconds(flops: number, bytes: number, { kernels }: PlanRequest): number {
  return flops / (SPEED[kernels.numerics] * kernels.threads) + bytes / STORAGE_SPEED;
}

/** Peak of resident memory, and the bytes of activations that go to disk. */
export function estimateMemory(request: PlanRequest, lastObserved: number): { memory: Plan['memory']; spill: number } {
  const { model, calibration, activationMemory, kernels } = request;
  const observed = lastObserved >= 0 && calibration !== undefined;
  const worked = model.sections.filter((section, index) => (observed && index <= lastObserved) || isTreated(section));
  const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);
  const features = largest(worked.flatMap(({ sites }) => sites.map((site) => site.features)));
  // A section's weights, their successors, and the bytes that go to disk.
  const sensitive = observed && needsSensitivities(request.pipeline);
  const loaded = sensitive || sectionSteps(request.pipeline).length > 0 ? model.sections : worked;
  // What goes along in floats has a section, a residual stream and a site's activations of its own.
  const paired = observationsOf(siteSteps(request.pipeline)).includes('crossGram') ? 1 : 0;
  const section = (2.5 + paired) * F32 * largest(loaded.map((spec) => parameterCount(spec, request)));
  const gram = observationsOf(request.pipeline).includes('gram');
  const noisy = sensitive ? sensitivityMemory(model, calibration) : 0;
  const statistics = noisy + (gram ? (GRAM_COPIES + paired) * F32 * features ** 2 : 0);
  const tokens = observed ? calibration.sequences * calibration.length : 0;
  const kept = (1 + paired) * tokens * F32 * (model.hiddenSize + features);
  const rows = observed ? Math.min(batchSize(calibration.length), calibration.sequences) * calibration.length : 0;
  const widths = worked.flatMap(({ sites }) => sites.map((site) => 2 * site.features + 2 * outputs(site.linears)));
  // The stream before attention and before the feed-forward, what is wanted of a part, and what a trial makes of it.
  const again = largest(rerunsOf(request.pipeline).map(({ tokens }) => keptTokens(calibration, tokens)));
  const batch = rows * F32 * largest(widths) + 4 * F32 * again * model.hiddenSize;
  const activations = Math.min(kept, activationMemory);
  // A survey leaves as much again.
  const passes = surveysOf(request.pipeline).length > 0 ? 2 : 1;
  const program = PROCESS_MEMORY + THREAD_MEMORY * kernels.threads + (observed ? passes * UNCOLLECTED_MEMORY : 0);
  const peak = program + section + statistics + activations + batch;
  return { memory: { peak, section, statistics, activations, batch }, spill: kept - activations };

  function isTreated(spec: SectionSpec): boolean {
    return request.pipeline.length > 0 && spec.sites.some((site) => treatable(site).length > 0);
  }
}

function outputs(linears: readonly { readonly outFeatures: number }[]): number {
  return linears.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
}

function weightCount({ sites }: SectionSpec): number {
  return countWeights(sites.flatMap((site) => site.linears));
}

function parameterCount({ tensors }: SectionSpec, { checkpoint }: PlanRequest): number {
  const shapes = tensors.map((name) => checkpoint.tensors.get(name)?.shape ?? []);
  return shapes.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}
