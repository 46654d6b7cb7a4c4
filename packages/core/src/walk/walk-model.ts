import { join } from 'node:path';
import type { CacheExtremes, Warning } from '../algorithm/algorithm.ts';
import { DTYPE_BITS } from '../checkpoint/dtype.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { writeCheckpoint } from '../checkpoint/write-checkpoint.ts';
import type { CacheInference } from '../inference/inference.ts';
import { INFERENCE_FILE } from '../inference/inference-file.ts';
import { moduleInference } from '../inference/module-inference.ts';
import { readSectionInference, recordInference, type SectionInference } from '../inference/section-inference.ts';
import type { LinearSpec, SectionSpec } from '../model/model.ts';
import { cacheStep, goesOnInFloats, observationsOf, sectionSteps, siteSteps } from '../pipeline/pipeline-step.ts';
import type { Plan } from '../plan/plan.ts';
import type { WeightConfiguration } from '../plan/weight-configuration.ts';
import { type CalibrationData, createCalibrationData } from './calibration-data.ts';
import { checkSharedTensors } from './check-shared-tensors.ts';
import type { Journal, SectionRecord } from './journal.ts';
import { loadSection } from './load-section.ts';
import { openEmbedding } from './open-embedding.ts';
import { memoryCheckpoint, overlayCheckpoint, type Replacement } from './overlay-checkpoint.ts';
import { replayFloats, replayTransformed } from './replay-floats.ts';
import { createReporter, strictError } from './reporter.ts';
import type { CompressRequest } from './request.ts';
import { createSectionOutput } from './section-output.ts';
import { type Surveys, surveyModel, surveysOf } from './survey-model.ts';
import { createStopwatch, type Work } from './time-left.ts';
import { treatable } from './treat-site.ts';
import { replaySection, walkSection } from './walk-section.ts';

/** The warning that the format's readers run another forward pass: once, of the first section that has one. */
const NOT_IN_FORMAT = 'inference-not-in-format';

interface ModelWalk {
  readonly request: CompressRequest;
  readonly plan: Plan;
  readonly configuration: WeightConfiguration;
  readonly work: string;
  readonly journal: Journal;
  /** Grows by one a section; the caller closes them. */
  readonly replacements: Replacement[];
}

/** Walks through all sections: those in the journal are taken from it, every other one is treated, written and journalled. */
export async function walkModel(walk: ModelWalk): Promise<{
  records: SectionRecord[];
  survey: { seconds: number };
  activations: { memory: number; spilled: number };
}> {
  const { request, plan, journal } = walk;
  const { sections } = request.model;
  const { onEvent, signal } = request;
  const resumed = journal.records.length;
  onEvent?.({ type: 'start', sections: sections.length, linears: plan.totals.touched, resumedSections: resumed });
  const begun = performance.now();
  const surveyed = await survey(walk);
  const seconds = (performance.now() - begun) / 1000;
  const data = openData(walk, 'activations');
  const paired = observationsOf(siteSteps(request.pipeline)).includes('crossGram');
  const floats = data && paired ? openData(walk, 'floats') : undefined;
  const works = sections.map(({ kind }, i): Work => {
    const size = plan.sections[i].flops;
    return i >= resumed ? { kind, size } : { kind: `${kind} again`, size: data && i < plan.lastObserved ? size : 0 };
  });
  const stopwatch = createStopwatch();
  for (const [i, { seconds }] of journal.records.entries())
    stopwatch.measured({ kind: sections[i].kind, size: plan.sections[i].flops }, seconds);
  const records: SectionRecord[] = [];
  try {
    for (const [index, section] of sections.entries()) {
      signal?.throwIfAborted();
      const start = performance.now();
      const elapsed = () => (performance.now() - start) / 1000;
      const known = journal.records[index];
      const record = known
        ? await again(walk, index, known, { data, floats })
        : await treat({ ...walk, surveys: surveyed }, index, { data, floats }, records, elapsed);
      records.push(record);
      stopwatch.measured(works[index], elapsed());
      const secondsLeft = stopwatch.left(works.slice(index + 1));
      onEvent?.({
        type: 'section',
        section: section.name,
        done: index + 1,
        total: sections.length,
        resumed: known !== undefined,
        seconds: elapsed(),
        ...(secondsLeft !== undefined && { secondsLeft }),
      });
    }
    const kept = [data, floats].filter((one) => one !== undefined);
    const sum = (what: 'memory' | 'spilled') => kept.reduce((total, { peak }) => total + peak[what], 0);
    return { records, survey: { seconds }, activations: { memory: sum('memory'), spilled: sum('spilled') } };
  } finally {
    await data?.close();
    await floats?.close();
  }
}

/** The calibration tokens, unless nothing that is left to do observes. */
function openData({ request, plan, work, journal }: ModelWalk, file: string): CalibrationData | undefined {
  const { calibration, model, activationMemory, kernels } = request;
  if (calibration === undefined || journal.records.length > plan.lastObserved) return undefined;
  return createCalibrationData({
    sequences: calibration.sequences,
    hiddenSize: model.hiddenSize,
    widest: Math.max(...model.sections.flatMap(({ sites }) => sites.map(({ features }) => features))),
    file: join(work, file),
    memory: activationMemory,
    kernels,
  });
}

/** What steps must know of the whole model before any section is treated. */
async function survey(walk: ModelWalk): Promise<Surveys> {
  const data = surveysOf(walk.request.pipeline).length > 0 ? openData(walk, 'survey') : undefined;
  if (data === undefined) return new Map();
  try {
    return await surveyModel(walk.request, data);
  } finally {
    await data.close();
  }
}

/** A section that the journal holds: if a later one observes, its final weights are read and only its forward pass is run. */
async function again(
  walk: ModelWalk,
  index: number,
  record: SectionRecord,
  { data, floats }: Streams,
): Promise<SectionRecord> {
  const { request, plan, configuration: ofWeights, work, replacements } = walk;
  const { model, checkpoint, format, kernels, signal, strict } = request;
  if (strict && record.warnings.length > 0) throw strictError(record.warnings[0]);
  const replacement = await openReplacement(work, record);
  replacements.push(replacement);
  if (data === undefined || index >= plan.lastObserved) return record;
  const section = model.sections[index];
  if (goesOnInFloats(request.pipeline)) {
    await replayTransformed(walk, section, data);
    return record;
  }
  const written = overlayCheckpoint(checkpoint, replacement);
  const configuration = ofWeights.ofSome(ofWeights.gridsNamed(record.grids ?? {}));
  const readable = configuration ? await format.open(written, configuration) : written;
  if (section.kind === 'embedding') {
    for (const stream of [data, floats]) if (stream) await embed({ ...request, checkpoint: readable }, section, stream);
    return record;
  }
  if (floats) await replayFloats(walk, section, data, floats);
  const { inference } = record;
  // Calibration goes through the model with the cache that it came with: that of the pipeline is for its readers.
  const weights = await loadSection({ ...readable, ...(inference && { inference }) }, section, kernels);
  setCache(weights.inference, (await readSectionInference(checkpoint, section)).attention?.cache);
  await replaySection({ model, section, weights, kernels, signal }, data);
  return record;
}

/** All tokens on their way, through what the walk makes of the model and, for `crossGram`, through the float model. */
interface Streams {
  readonly data: CalibrationData | undefined;
  readonly floats: CalibrationData | undefined;
}

async function treat(
  { request, plan, configuration, work, journal, replacements, surveys }: ModelWalk & { readonly surveys: Surveys },
  index: number,
  { data, floats }: Streams,
  before: readonly SectionRecord[],
  elapsed: () => number,
): Promise<SectionRecord> {
  const { model, checkpoint, format, kernels, pipeline } = request;
  const section = model.sections[index];
  const reporter = createReporter(request);
  const output = createSectionOutput({
    checkpoint,
    format,
    configuration,
    location: request.output,
    kernels,
  });
  if (index === 0) for (const { algorithm, ...warning } of plan.warnings) reporter.warn(algorithm, warning);
  const observed = data !== undefined && index <= plan.lastObserved;
  let ownInference = await readSectionInference(checkpoint, section);
  let extremes: CacheExtremes | undefined;
  const touched = isTouched(section, request);
  const outputsNeeded = observed && index < plan.lastObserved;
  if (!touched && section.kind === 'embedding') {
    for (const stream of outputsNeeded ? [data, floats] : []) if (stream) await embed(request, section, stream);
  } else if (observed || touched) {
    const weights = await loadSection(checkpoint, section, kernels);
    ownInference = weights.inference;
    extremes = await walkSection({
      model,
      section,
      weights,
      pipeline,
      ...(observed && { data, ...(floats && { floats }) }),
      outputsNeeded,
      output,
      storedBits: ({ weight }: LinearSpec) => DTYPE_BITS[checkpoint.tensors.get(weight)!.dtype],
      seed: request.seed,
      kernels,
      reporter,
      signal: request.signal,
      surveys,
    });
  }
  const { algorithm, options } = cacheStep(pipeline) ?? {};
  if (algorithm && section.attention) {
    const warn = (warning: Warning) => reporter.warn(algorithm.name, warning);
    const context = { section, heads: section.attention, ...(extremes && { extremes }), warn };
    setCache(ownInference, algorithm.cache!(context, options));
  }
  const inference = recordInference(section, ownInference);
  const modules = moduleInference([{ section, inference: ownInference }]);
  for (const tensor of format.carrier?.tensors(modules) ?? []) await output.putBeside(tensor);
  const told = before.some(({ warnings }) => warnings.some(({ code }) => code === NOT_IN_FORMAT));
  if (inference && !told && !format.carrier?.carries(modules))
    reporter.warn(format.name, {
      code: NOT_IN_FORMAT,
      layer: section.name,
      message: `The forward pass from here on does more than the ordinary one: ${INFERENCE_FILE} beside the weights says what, and readers that do not know that file compute another function.`,
    });
  const tensors = [...output.tensors.values()];
  const folder = tensors.length > 0 ? `section-${String(index).padStart(4, '0')}` : undefined;
  if (folder !== undefined)
    await writeCheckpoint(
      join(work, folder),
      tensors.map(({ data: bytes, ...info }) => ({ ...info, bytes: async () => bytes })),
      { maxShardBytes: Number.POSITIVE_INFINITY },
    );
  const record: SectionRecord = {
    section: section.name,
    ...(folder !== undefined && { folder }),
    replaced: [...output.replaced],
    ...(configuration.mixed && {
      grids: Object.fromEntries([...output.grids].map(([name, grid]) => [name, grid.name])),
    }),
    ...(inference && { inference }),
    layers: reporter.layers,
    warnings: reporter.warnings,
    seconds: elapsed(),
  };
  replacements.push(await openReplacement(work, record));
  await checkSharedTensors(model.sections, replacements);
  await journal.append(record);
  return record;
}

/** All batches through an embedding whose weights are final: that takes the rows of their tokens alone. */
async function embed(
  { model, checkpoint, calibration, kernels, signal }: CompressRequest,
  section: SectionSpec,
  data: CalibrationData,
): Promise<void> {
  const tokens = calibration!.sequences;
  const program = await openEmbedding({ model, section, checkpoint, tokens, kernels, running: data.kernels });
  await data.each(async (batch) => {
    signal?.throwIfAborted();
    await program.embed!(batch);
  }, true);
}

function setCache(inference: SectionInference, cache: CacheInference | undefined): void {
  const { cache: _, ...rest } = inference.attention ?? {};
  if (cache) inference.attention = { ...rest, cache };
  else if (inference.attention) inference.attention = rest;
}

function isTouched(section: SectionSpec, { pipeline }: CompressRequest): boolean {
  if (sectionSteps(pipeline).length > 0) return true;
  return siteSteps(pipeline).length > 0 && section.sites.some((site) => treatable(site).length > 0);
}

async function openReplacement(work: string, { folder, replaced }: SectionRecord): Promise<Replacement> {
  const tensors = folder === undefined ? memoryCheckpoint([], work) : await openCheckpoint(join(work, folder));
  return { replaced: new Set(replaced), tensors };
}
