import { mkdir, rm } from 'node:fs/promises';
import { moduleInference } from '../inference/module-inference.ts';
import { inferenceOfSection, joinInference } from '../inference/section-inference.ts';
import { buildManifest } from '../manifest/build-manifest.ts';
import type { Manifest, RunInfo } from '../manifest/manifest.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { createWeightConfiguration } from '../plan/weight-configuration.ts';
import type { Identity } from './identity.ts';
import { openJournal } from './journal.ts';
import { lockFolder } from './lock-folder.ts';
import { workFolder } from './output-folder.ts';
import { overlayCheckpoint, type Replacement } from './overlay-checkpoint.ts';
import { type MemoryMeter, watchMemory } from './peak-memory.ts';
import { publishOutput, restorePrevious, stageOutput } from './publish.ts';
import type { CompressRequest } from './request.ts';
import { hashInputs } from './source-files.ts';
import { untieRequest } from './untie.ts';
import { walkModel } from './walk-model.ts';

/** What a finished run leaves. */
export interface CompressResult {
  readonly plan: Plan;
  readonly manifest: Manifest;
  readonly run: RunInfo;
}

/**
 * Compresses a checkpoint: plans, walks through the sections, and puts a whole folder in the place of `output`. Until then everything
 * lies in `<output>.compress-work`; an interrupted run leaves it there, and the same request goes on from the last finished section and
 * ends with the same bytes. Throws `PlanError` before any work, `CompressError` `output-locked` while another process writes this output,
 * `journal-mismatch` if the work folder belongs to another run, `strict-warning`, `tied-tensor`, what reading tensors throws, and
 * `signal.reason` when aborted.
 */
export async function compress(request: CompressRequest): Promise<CompressResult> {
  const start = performance.now();
  const memory = watchMemory();
  try {
    const { calibration, ...rest } = request;
    const sequences = calibration?.sequences ?? [];
    const plan = await makePlan(
      calibration ? { ...rest, calibration: { sequences: sequences.length, length: sequences[0]?.length ?? 0 } } : rest,
    );
    const work = workFolder(request.output);
    await mkdir(work, { recursive: true });
    const unlock = await lockFolder(work);
    try {
      const result = await runLocked({ original: request, request: untieRequest(request), plan, work, start, memory });
      await rm(work, { recursive: true, force: true });
      request.onEvent?.({ type: 'end', seconds: result.run.seconds, peakMemory: result.run.peakMemory });
      return result;
    } finally {
      await unlock();
    }
  } finally {
    memory.stop();
  }
}

async function runLocked(p: {
  original: CompressRequest;
  /** The same of the untied model, where a step unties it. */
  request: CompressRequest;
  plan: Plan;
  work: string;
  start: number;
  memory: MemoryMeter;
}): Promise<CompressResult> {
  const { request, plan, work } = p;
  const { checkpoint, output, kernels } = request;
  await restorePrevious(work, output);
  const identity = await identify(request);
  const journal = await openJournal(work, identity);
  const replacements: Replacement[] = [];
  try {
    const configuration = createWeightConfiguration(request, plan);
    const { records, survey, activations } = await walkModel({
      request,
      plan,
      configuration,
      work,
      journal,
      replacements,
    });
    const inference = joinInference(records.map((record) => record.inference));
    const modules = moduleInference(
      request.model.sections.map((section) => ({ section, inference: inferenceOfSection(inference, section) })),
    );
    const written = replacements.reduce((base, replacement) => overlayCheckpoint(base, replacement), checkpoint);
    const outputs = await stageOutput({
      request,
      work,
      checkpoint: written,
      configuration: configuration.ofAll(
        configuration.gridsNamed(Object.assign({}, ...records.map(({ grids }) => grids))),
        modules,
      ),
      untied: checkpoint.tensors !== p.original.checkpoint.tensors,
      inference,
    });
    request.signal?.throwIfAborted();
    const bytesAfter = [...written.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const manifest = buildManifest({ request, plan, identity, records, outputs, bytesAfter });
    const run: RunInfo = {
      seconds: (performance.now() - p.start) / 1000,
      peakMemory: p.memory.stop(),
      activations,
      threads: kernels.threads,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      resumedSections: journal.records.length,
      survey,
      sections: records.map(({ section, seconds }) => ({ section, seconds })),
      layers: records.flatMap(({ layers }) =>
        layers.map(({ layer, algorithm, seconds }) => ({ layer, algorithm, seconds })),
      ),
    };
    await publishOutput(work, output, manifest, run);
    return { plan, manifest, run };
  } finally {
    for (const { tensors } of replacements) await tensors.close();
  }
}

async function identify(request: CompressRequest): Promise<Identity> {
  const { recipe, versions, kernels, seed, format, pipeline, calibration, source, checkpoint } = request;
  const identity = {
    recipe,
    versions,
    numerics: kernels.numerics,
    seed,
    format: format.name,
    pipeline: pipeline.map(({ algorithm, options }) => ({ algorithm: algorithm.name, options })),
    calibration: calibration
      ? {
          sequences: calibration.sequences.length,
          length: calibration.sequences[0]?.length ?? 0,
          digest: calibration.digest,
        }
      : null,
    inputs: await hashInputs(source, checkpoint),
  };
  // As it will be read back from a journal: without what is undefined, and arrays of numbers as plain objects.
  return JSON.parse(JSON.stringify(identity)) as Identity;
}
