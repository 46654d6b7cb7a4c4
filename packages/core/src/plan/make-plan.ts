import { totalmem } from 'node:os';
import type { Objection } from '../algorithm/algorithm.ts';
import type { Checkpoint, TensorInfo } from '../checkpoint/checkpoint.ts';
import { checkPipeline } from '../pipeline/check-pipeline.ts';
import { sectionSteps, seesCalibration, stageOf } from '../pipeline/pipeline-step.ts';
import { checkOutput } from '../walk/output-folder.ts';
import { headOf, untieRequest } from '../walk/untie.ts';
import { checkCalibrated } from './check-calibrated.ts';
import { checkPreparations } from './check-preparations.ts';
import { checkTensors } from './check-tensors.ts';
import { configure } from './configure.ts';
import { estimateFlops, estimateMemory, estimateSeconds, lastObservedSection } from './estimate.ts';
import { freeSpace } from './free-space.ts';
import type { Plan, PlannedLinear, PlanRequest } from './plan.ts';
import { PlanError } from './plan-error.ts';
import { planLinears } from './plan-linears.ts';
import { plannedModules } from './planned-inference.ts';

/** What a request will do and cost, from headers only. Throws one {@link PlanError} with everything that can be known to fail. */
export async function makePlan(original: PlanRequest): Promise<Plan> {
  const request = untieRequest(original);
  const { checkpoint, model, output } = request;
  const { linears, growth, problems: objections, warnings, described } = planLinears(request);
  const modules = plannedModules(request);
  const quantizes = request.pipeline.some((step) => stageOf(step) === 'quantize');
  const carried = request.format.carrier?.configuration(modules) !== undefined;
  const beside = request.format.carrier?.tensors(modules) ?? [];
  const lastObserved = lastObservedSection(request);
  const flops = estimateFlops(request, lastObserved);
  const { memory, spill } = estimateMemory(request, lastObserved);
  const bytesBefore = sumOf(original.checkpoint, ({ codedBytes, byteLength }) => codedBytes ?? byteLength);
  const told = beside.reduce((sum, tensor) => sum + tensor.byteLength, 0);
  const bytesAfter = growth + told + sumOf(checkpoint, ({ byteLength }) => byteLength);
  const touched = linears.filter(({ algorithms }) => algorithms.length > 0);
  // Finished sections wait beside the output; a transform may change every tensor of them.
  const written =
    sectionSteps(request.pipeline).length > 0
      ? bytesAfter
      : touched.reduce((sum, linear) => sum + linear.bytesAfter, 0);
  const totalFlops = flops.reduce((sum, value) => sum + value, 0);
  const disk = { needed: bytesAfter + written + spill, spill, free: await freeSpace(output) };
  const notes = request.pipeline.map(({ algorithm, options }) => {
    const { objections: found, warnings } = algorithm.checkModel?.(model, options) ?? { objections: [], warnings: [] };
    return { objections: found, warnings: warnings.map((warning) => ({ algorithm: algorithm.name, ...warning })) };
  });
  const problems: Objection[] = [
    ...[
      ...checkPipeline({ ...request, allowReorder: request.allowReorder ?? false, carried }),
      ...checkCalibration(request),
    ].map(ofRequest),
    ...checkTensors(model, checkpoint),
    ...checkCalibrated(request),
    ...objections,
    ...notes.flatMap((note) => note.objections),
    ...(request.format.carrier?.limit(modules, quantizes) ?? []),
    ...packagingLimits(request).map(ofRequest),
    ...(await checkOutput(request)).map(ofRequest),
    ...checkResources(memory.peak, disk).map(ofRequest),
  ];
  if (problems.length > 0) throw new PlanError(problems);
  const configuration = configure(request.format, described, modules);
  return {
    linears,
    totals: {
      bytesBefore,
      bytesAfter,
      touched: touched.length,
      bitsPerWeight: meanBits(touched, ({ bitsPerWeight }, weights) => bitsPerWeight * weights),
      storedBitsPerWeight: meanBits(touched, (linear) => 8 * linear.bytesAfter),
    },
    memory,
    work: { flops: totalFlops, seconds: estimateSeconds(totalFlops, bytesBefore + bytesAfter + written, request) },
    disk,
    sections: model.sections.map(({ name }, i) => ({ section: name, flops: flops[i] })),
    lastObserved,
    warnings: [
      ...untiedHead(original, request),
      ...checkPreparations(request),
      ...warnings,
      ...notes.flatMap((note) => note.warnings),
    ],
    ...(configuration && { configuration }),
  };
}

function sumOf({ tensors }: Checkpoint, bytes: (tensor: TensorInfo) => number): number {
  return [...tensors.values()].reduce((sum, tensor) => sum + bytes(tensor), 0);
}

/** A model that gets a head of its own grows by it. */
function untiedHead({ model, pipeline }: PlanRequest, request: PlanRequest): Plan['warnings'] {
  if (request.model.tied === model.tied) return [];
  const { name, weight } = headOf(request.model);
  const megabytes = ((request.checkpoint.tensors.get(weight)?.byteLength ?? 0) / 1e6).toFixed(1);
  const { algorithm } = pipeline.find((step) => step.algorithm.unties?.(step.options))!;
  const message = `It was tied to the token table and gets a tensor of its own, ${megabytes} MB, because both will differ.`;
  return [{ algorithm: algorithm.name, code: 'head-untied', layer: name, message }];
}

function ofRequest(message: string): Objection {
  return { layer: '', message };
}

function meanBits(linears: Plan['linears'], bitsOf: (linear: PlannedLinear, weights: number) => number): number {
  const weights = linears.map(({ outFeatures, inFeatures }) => outFeatures * inFeatures);
  const count = weights.reduce((sum, value) => sum + value, 0);
  const bits = linears.reduce((sum, linear, i) => sum + bitsOf(linear, weights[i]), 0);
  return count === 0 ? 0 : bits / count;
}

function checkCalibration({ pipeline, calibration, model }: PlanRequest): string[] {
  const observing = pipeline.filter(seesCalibration).map(({ algorithm }) => algorithm.name);
  if (observing.length === 0) return [];
  if (calibration === undefined || calibration.sequences === 0 || calibration.length === 0)
    return [`${observing.join(' and ')} must see calibration data; add a "calibration" to the recipe.`];
  if (calibration.length > model.contextLength)
    return [
      `Calibration windows have ${calibration.length} tokens but the model's context holds ${model.contextLength}; shorten them.`,
    ];
  return [];
}

function packagingLimits({ format, model }: PlanRequest): string[] {
  const limit = format.packaging?.limit(model);
  return limit === undefined ? [] : [limit];
}

function checkResources(peak: number, disk: Plan['disk']): string[] {
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  const problems: string[] = [];
  if (peak > totalmem())
    problems.push(
      `About ${megabytes(peak)} of memory are needed but the machine has ${megabytes(totalmem())}; lower the limit on activations in memory, or calibrate on fewer tokens.`,
    );
  if (disk.needed > disk.free)
    problems.push(
      `About ${megabytes(disk.needed)} of disk are needed where the output goes but ${megabytes(disk.free)} are free; free some, or choose another output folder.`,
    );
  return problems;
}
