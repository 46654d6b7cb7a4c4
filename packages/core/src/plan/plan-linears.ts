import type { Objection } from '../algorithm/algorithm.ts';
import { DTYPE_BITS, type FloatDtype, isFloatDtype } from '../checkpoint/dtype.ts';
import { type Treatment, treatmentOf } from '../format/format.ts';
import type { LinearSpec } from '../model/model.ts';
import { quantizationOf, siteSteps, stageOf } from '../pipeline/pipeline-step.ts';
import type { WarningRecord } from '../walk/reporter.ts';
import {
  type Described,
  type DescribedWeights,
  describeWeights,
  gridsOf,
  type Quantization,
} from './describe-weights.ts';
import type { PlannedLinear, PlanRequest } from './plan.ts';
import { plannedInference } from './planned-inference.ts';

/** What a plan of Linears needs. */
type LinearsRequest = Omit<PlanRequest, 'calibration' | 'kernels'>;

/** Every Linear of the model, what the steps object to, and what the format must know of all weights for config.json; undefined where none will be in codes. */
export function planLinears(request: LinearsRequest): {
  linears: PlannedLinear[];
  /** Bytes by which the output is larger than all tensors of the checkpoint as it is seen. */
  growth: number;
  problems: Objection[];
  warnings: WarningRecord[];
  described: DescribedWeights | undefined;
} {
  const { model, format } = request;
  const pipeline = weightSteps(request.pipeline);
  const steps = siteSteps(pipeline);
  const linears: PlannedLinear[] = [];
  const problems: Objection[] = [];
  let growth = 0;
  /** By what is said, the first layer that it is said of. */
  const remarks = new Map<string, string>();
  const quantizations: Described[] = [];
  for (const section of model.sections) {
    const inference = plannedInference(section, request);
    for (const site of section.sites)
      for (const spec of site.linears) {
        const touched = spec.untouched === undefined && pipeline.length > 0;
        let planned = leftAlone(spec, section.name, site.name, request);
        if (touched) planned = { ...planned, algorithms: pipeline.map(({ algorithm }) => algorithm.name) };
        const objections = (touched ? pipeline : []).map(({ algorithm, options }) => algorithm.check?.(spec, options));
        problems.push(...objections.filter((objection) => objection !== undefined));
        // What the steps object to has no sizes.
        const sized = touched && objections.every((objection) => objection === undefined);
        for (const step of sized ? steps : []) {
          const { algorithm, options } = step;
          if (stageOf(step) === 'quantize') {
            const quantization = quantizationOf([step])!(spec);
            quantizations.push({
              ...quantization,
              layer: spec.name,
              columns: spec.inFeatures,
              dtype: floatDtypeOf(spec, request),
            });
            const { grid, groupSize, alternatives = [], reordered, scaleRows } = quantization;
            const treatment = treatmentOf(scaleRows, inference.sites.get(site.name));
            for (const one of [grid, ...alternatives]) {
              const limit = format.limit(spec, one, groupSize, reordered, treatment);
              if (limit) problems.push(limit);
              const remark = limit ? undefined : format.remark?.(spec, one, groupSize, treatment);
              if (remark !== undefined && !remarks.has(remark)) remarks.set(remark, spec.name);
            }
            if (alternatives.length > 0)
              planned = { ...planned, grids: [grid, ...alternatives].map(({ name }) => name) };
            const bits = algorithm.bitsPerWeight?.(spec, options);
            const bytesAfter = sizeAfter(spec, quantization, { treatment, bits }, request) ?? planned.bytesAfter;
            growth += bytesAfter - planned.bytesAfter;
            planned = { ...planned, bytesAfter };
          }
          const bitsPerWeight = algorithm.bitsPerWeight?.(spec, options);
          if (bitsPerWeight !== undefined) planned = { ...planned, bitsPerWeight };
        }
        linears.push(planned);
      }
  }
  const touched = model.sections
    .flatMap(({ sites }) => sites.flatMap((site) => site.linears))
    .filter(({ untouched }) => untouched === undefined);
  for (const { algorithm, options } of pipeline)
    for (const message of algorithm.checkTogether?.(touched, options) ?? []) problems.push({ layer: '', message });
  const described = describeWeights(quantizations, linears, request, problems);
  const ofMixing = described?.grids && format.mixes?.remark?.(gridsOf(quantizations));
  if (ofMixing !== undefined) remarks.set(ofMixing, quantizations[0].layer);
  const warnings = [...remarks].map(([message, layer]) => ({
    algorithm: format.name,
    code: 'consumer-limit',
    layer,
    message,
  }));
  return { linears, growth, problems, warnings, described };
}

/** The steps that may change a Linear. */
function weightSteps(pipeline: PlanRequest['pipeline']): PlanRequest['pipeline'] {
  return pipeline.filter((step) => stageOf(step) !== 'cache');
}

function leftAlone(
  spec: LinearSpec,
  section: string,
  site: string,
  { checkpoint, pipeline }: LinearsRequest,
): PlannedLinear {
  const info = checkpoint.tensors.get(spec.weight);
  const bytes = info?.byteLength ?? 0;
  const nothing = pipeline.length === 0 ? 'the pipeline is empty' : 'the pipeline treats no weights';
  const reason = spec.untouched ?? (weightSteps(pipeline).length === 0 ? nothing : undefined);
  return {
    layer: spec.name,
    section,
    site,
    outFeatures: spec.outFeatures,
    inFeatures: spec.inFeatures,
    algorithms: [],
    ...(reason !== undefined && { untouched: reason }),
    bytesBefore: info?.codedBytes ?? bytes,
    bytesAfter: bytes,
    bitsPerWeight: info ? DTYPE_BITS[info.dtype] : 0,
  };
}

function floatDtypeOf({ weight }: LinearSpec, { checkpoint }: LinearsRequest): FloatDtype | undefined {
  const dtype = checkpoint.tensors.get(weight)?.dtype;
  return dtype && isFloatDtype(dtype) ? dtype : undefined;
}

/** Where a survey will decide between grids, what so many bits a weight make, as far as the format stores weights in so many. */
function sizeAfter(
  spec: LinearSpec,
  { grid, groupSize, alternatives = [] }: Quantization,
  { treatment, bits }: { readonly treatment: Treatment; readonly bits: number | undefined },
  request: LinearsRequest,
): number | undefined {
  const dtype = floatDtypeOf(spec, request);
  if (dtype === undefined) return undefined;
  const sizes = [grid, ...alternatives].map((one) => request.format.size(spec, one, groupSize, dtype, treatment));
  if (bits === undefined || alternatives.length === 0) return sizes[0];
  const foretold = Math.ceil((bits * spec.outFeatures * spec.inFeatures) / 8);
  return Math.min(Math.max(...sizes), Math.max(Math.min(...sizes), foretold));
}
