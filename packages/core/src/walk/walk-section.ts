import type { Kernels, Matrix } from '@compress/kernels';
import type { CacheExtremes } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';
import { withExactLinks } from '../inference/exact-links.ts';
import type {
  Batch,
  LinearSpec,
  Model,
  SectionProgram,
  SectionSpec,
  SectionWeights,
  SiteSpec,
} from '../model/model.ts';
import type { PipelineStep } from '../pipeline/pipeline-step.ts';
import {
  goesOnInFloats,
  observationsOf,
  quantizationOf,
  sectionSteps,
  seesCalibration,
  siteSteps,
  watchedCache,
} from '../pipeline/pipeline-step.ts';
import { randomStream } from '../random-stream.ts';
import { createStatisticsCollector } from '../statistics/create-statistics-collector.ts';
import type { Observation, Statistics } from '../statistics/statistics.ts';
import type { CalibrationData } from './calibration-data.ts';
import { createPartInputs, type PartInputs } from './part-inputs.ts';
import type { Reporter } from './reporter.ts';
import { runLinears, runStage, stageInput } from './run-section.ts';
import type { SectionOutput } from './section-output.ts';
import type { Surveys } from './survey-model.ts';
import { treatable, treatSite } from './treat-site.ts';
import { watchExtremes } from './watch-cache.ts';

/** One section on its way: what its steps make of it goes to `output` and `reporter`. */
export interface SectionWork {
  readonly model: Model;
  readonly section: SectionSpec;
  readonly weights: SectionWeights;
  readonly pipeline: readonly PipelineStep[];
  /** Absent where nothing observes, here or later. */
  readonly data?: CalibrationData;
  /** The same tokens in the float model, where some step observes `crossGram`. */
  readonly floats?: CalibrationData;
  /** A later section observes: this one's outputs are needed. */
  readonly outputsNeeded: boolean;
  readonly output: SectionOutput;
  /** Width of a Linear's weights as the checkpoint stores them. */
  readonly storedBits: (spec: LinearSpec) => number;
  readonly seed: number;
  readonly kernels: Kernels;
  readonly reporter: Reporter;
  readonly signal: AbortSignal | undefined;
  readonly surveys: Surveys;
}

/**
 * Transforms the section, then treats it site by site in the order in which data meets the sites: a site's statistics saw only
 * Linears with the weights that they will have for good, and each Linear is computed once. Returns what was watched for the cache's step.
 */
export async function walkSection(work: SectionWork): Promise<CacheExtremes | undefined> {
  const { section, weights, pipeline, data, floats, reporter } = work;
  await transformSection(work);
  const floatPasses = floats && createPasses({ ...work, weights: floatCopy(weights) }, floats);
  const watched = watchedCache(pipeline);
  const watch = data && watched && section.attention && watchExtremes(section.attention, watched);
  if (watch) weights.inference.watch = watch;
  const steps = siteSteps(pipeline);
  const observations = observationsOf(steps);
  const treatedSites = steps.length === 0 ? [] : section.sites.filter((site) => treatable(site).length > 0);
  // A site whose steps observe nothing needs no data, so data need not stop there.
  const toTheEnd = (work.outputsNeeded && !goesOnInFloats(pipeline)) || watch !== undefined;
  const passes = data && (observations.length > 0 || toTheEnd) ? createPasses(work, data) : undefined;
  for (const site of treatedSites) {
    const last = !toTheEnd && site === treatedSites.at(-1);
    const statistics =
      passes && observations.length > 0
        ? await passes.observe(site, observations, last, await floatInputs(floats, floatPasses, site))
        : { tokens: 0 };
    work.signal?.throwIfAborted();
    reporter.event({ type: 'site', section: section.name, site: site.name, tokens: statistics.tokens });
    await treatSite({ ...work, site, linears: treatable(site), steps, statistics });
  }
  if (toTheEnd) {
    await passes?.finish();
    await floatPasses?.finish();
  }
  delete weights.inference.watch;
  return watch?.extremes;
}

/** The float model's activations at the site, by batch, once its data was brought there. */
async function floatInputs(
  floats: CalibrationData | undefined,
  passes: ReturnType<typeof createPasses> | undefined,
  site: SiteSpec,
): Promise<((index: number) => Promise<Matrix>) | undefined> {
  await passes?.bring(site);
  return floats && ((index) => floats.peekInput(index));
}

/** The section as transforms left it, and as it stays while Linears are treated: weights are replaced, not changed. It rounds no activations. */
export function floatCopy({ linears, tensors, inference }: SectionWeights): SectionWeights {
  const sites = [...inference.sites].map(([name, { quantizer: _, ...rest }]) => [name, rest] as const);
  return { linears: new Map(linears), tensors, inference: { ...inference, sites: new Map(sites) } };
}

/** Runs a section with weights that are final, over all batches. */
export async function replaySection(
  work: Pick<SectionWork, 'model' | 'section' | 'weights' | 'kernels' | 'signal'>,
  data: CalibrationData,
): Promise<void> {
  await createPasses(work, data).finish();
}

/** Moves all batches through the section, from one observed site to the next, in one loop over the batches each. */
export function createPasses(
  work: Pick<SectionWork, 'model' | 'section' | 'weights' | 'kernels' | 'signal'>,
  data: CalibrationData,
) {
  const { section, weights, signal } = work;
  const { kernels } = data;
  const program = openSection({ ...work, kernels });
  const { stages } = program;
  /** The stage whose input is kept and whose Linears are still to be computed. */
  let pending = -1;

  /** Everything before stage `to`. */
  async function advance(batch: Parameters<typeof runStage>[2], index: number, to: number): Promise<void> {
    signal?.throwIfAborted();
    if (pending < 0) await program.embed?.(batch);
    else {
      const stage = stages[pending];
      await stage.output(batch, await runLinears(stage.site, await data.takeInput(index), weights, kernels));
    }
    for (const stage of stages.slice(pending + 1, to)) await runStage(stage, weights, batch, kernels);
  }

  return {
    /** Brings all batches to the site, and keeps what feeds it. */
    async bring(site: SiteSpec): Promise<void> {
      const to = section.sites.indexOf(site);
      await data.each(async (batch, index) => {
        await advance(batch, index, to);
        await data.putInput(index, await stageInput(stages[to], weights, batch, kernels));
      }, true);
      pending = to;
    },
    /**
     * Brings all batches to the site and observes what feeds it, and how far it is from what the float model has there, if `floatInput` tells. After the
     * `last` one the data is not needed any more.
     */
    async observe(
      site: SiteSpec,
      observations: readonly Observation[],
      last: boolean,
      floatInput?: (index: number) => Promise<Matrix>,
    ): Promise<Statistics> {
      const to = section.sites.indexOf(site);
      const collector = createStatisticsCollector({
        site: site.name,
        features: site.features,
        observations,
        kernels: work.kernels,
      });
      await data.each(async (batch, index) => {
        await advance(batch, index, to);
        const input = await stageInput(stages[to], weights, batch, kernels);
        const float = await floatInput?.(index);
        // Where only some tokens come (experts), those of both models need not be the same ones.
        const paired = float && input.rows === batch.hidden.rows && float.rows === input.rows;
        await collector.observe(input, paired ? float : undefined);
        if (!last) await data.putInput(index, input);
      }, !last);
      pending = to;
      return collector.finish();
    },
    /** Brings all batches to the section's end. */
    async finish(): Promise<void> {
      await data.each(async (batch, index) => {
        await advance(batch, index, stages.length);
        batch.state.clear();
      }, true);
    },
  };
}

function openSection({
  model,
  section,
  weights,
  kernels,
}: Pick<SectionWork, 'model' | 'section' | 'weights' | 'kernels'>): SectionProgram {
  const program = model.open(section, weights, kernels);
  const agree =
    program.stages.length === section.sites.length &&
    program.stages.every((stage, i) => stage.site.name === section.sites[i].name);
  if (!agree) throw new TypeError(`the stages of ${section.name} are not its sites, in their order`);
  return program;
}

/** Applies the pipeline's transforms to the section, and rounds what they left as it will be on disk. */
export async function transformSection(work: TransformWork): Promise<void> {
  const { section, weights, pipeline, output } = work;
  const steps = sectionSteps(pipeline);
  if (steps.length === 0) return;
  await applyTransforms(work, steps);
  await settle(section, weights, output, siteSteps(pipeline).length > 0);
}

/** What transforms need of the work on a section. */
export type TransformWork = Omit<SectionWork, 'surveys'>;

/** Applies some of the pipeline's transforms. The last of them all brings the data to the next section, where {@link goesOnInFloats}. */
export async function applyTransforms(work: TransformWork, steps: readonly PipelineStep[]): Promise<void> {
  const { section, weights, pipeline, data, kernels, reporter } = work;
  const quantization = quantizationOf(pipeline);
  for (const step of steps) {
    const { algorithm, options } = step;
    const observations = algorithm.observes?.(options) ?? [];
    const reruns = section.parts && algorithm.reruns?.(options);
    const parts = data && reruns && createPartInputs({ ...work, ...reruns, sequences: data.sequences });
    const leads = work.outputsNeeded && goesOnInFloats(pipeline) && step === sectionSteps(pipeline).at(-1);
    const statistics = seesCalibration(step) ? await observeFloat(work, observations, { parts, leads }) : new Map();
    const start = performance.now();
    const figures: [string, Readonly<Record<string, number>>][] = [];
    await algorithm.section!(
      {
        model: work.model,
        section: withExactLinks(section, weights.inference),
        weights,
        statistics,
        ...(quantization && { quantization }),
        ...(parts && { rerun: parts.rerun }),
        kernels,
        random: randomStream(work.seed, algorithm.name, section.name),
        warn: (warning) => reporter.warn(algorithm.name, warning),
        figures: (layer, values) => figures.push([layer, values]),
      },
      options,
    );
    const seconds = (performance.now() - start) / 1000 / Math.max(1, figures.length);
    for (const [layer, values] of figures) {
      const spec = section.sites.flatMap((site) => site.linears).find(({ name }) => name === layer);
      if (!spec)
        throw new TypeError(`${algorithm.name} gives figures of ${layer}, which is no Linear of ${section.name}`);
      const bitsPerWeight = work.storedBits(spec);
      reporter.layer({ layer, algorithm: algorithm.name, bitsPerWeight, seconds, figures: values });
    }
  }
}

/** One pass of the section as the transforms left it so far, on copies of the batches unless it `leads` on. `parts` keeps what it wants of them. */
async function observeFloat(
  work: TransformWork,
  observations: readonly Observation[],
  { parts, leads }: { parts: PartInputs | undefined; leads: boolean },
): Promise<Map<string, Statistics>> {
  const { section, weights, kernels, data, signal } = work;
  if (!data)
    throw new CompressError('calibration-missing', 'Something observes, so the recipe needs a calibration set.');
  const program = openSection({ ...work, kernels: data.kernels });
  const collectors = section.sites.map(({ name, features }) =>
    createStatisticsCollector({ site: name, features, observations, kernels }),
  );
  const lastSite = program.stages.length - 1;
  const observe = async (batch: Batch, index: number) => {
    signal?.throwIfAborted();
    await program.embed?.(batch);
    for (const [i, stage] of program.stages.entries()) {
      parts?.keep(stage.site.name, batch, index);
      const input = await stageInput(stage, weights, batch, data.kernels);
      await collectors[i].observe(input);
      if (leads || i < lastSite) await stage.output(batch, await runLinears(stage.site, input, weights, data.kernels));
    }
    if (leads) batch.state.clear();
  };
  await (leads ? data.each(observe, true) : data.peek(observe));
  const statistics = new Map<string, Statistics>();
  for (const [i, { name }] of section.sites.entries()) statistics.set(name, await collectors[i].finish());
  return statistics;
}

/** Every tensor that transforms may have changed, but the weights that later steps will put. */
async function settle(
  section: SectionSpec,
  weights: SectionWeights,
  output: SectionOutput,
  laterSteps: boolean,
): Promise<void> {
  for (const [name, values] of weights.tensors) weights.tensors.set(name, await output.putTensor(name, values));
  for (const spec of section.sites.flatMap((site) => site.linears)) {
    const { weight, bias } = weights.linears.get(spec.name)!;
    weights.linears.set(spec.name, {
      weight: laterSteps && spec.untouched === undefined ? weight : await output.putWeight(spec, weight),
      ...(bias && { bias: await output.putTensor(spec.bias!, bias) }),
    });
  }
}
