import type { Objection } from '../algorithm/algorithm.ts';
import { DTYPE_BITS, type FloatDtype, isFloatDtype } from '../checkpoint/dtype.ts';
import type { Grid } from '../grid/grid.ts';
import type { LinearSpec } from '../model/model.ts';
import { quantizationOf, siteSteps, stageOf } from '../pipeline/pipeline-step.ts';
import type { PlannedLinear, PlanRequest } from './plan.ts';

/** What a quantize step leaves of one Linear. */
interface Quantization {
  readonly grid: Grid;
  readonly groupSize: number;
  readonly alternatives?: readonly Grid[];
  readonly reordered?: boolean;
}

/** What a format's configuration hangs on. */
interface Described extends Quantization {
  readonly columns: number;
  /** That the checkpoint stores the weight in. */
  readonly dtype: FloatDtype | undefined;
}

/** Every Linear of the model, what the steps object to, and what the format will say in config.json. */
export function planLinears(request: PlanRequest): {
  linears: PlannedLinear[];
  /** Bytes by which the output is larger than all tensors of the checkpoint as it is seen. */
  growth: number;
  problems: Objection[];
  configuration: Readonly<Record<string, unknown>> | undefined;
} {
  const { model, format } = request;
  const pipeline = weightSteps(request.pipeline);
  const steps = siteSteps(pipeline);
  const linears: PlannedLinear[] = [];
  const problems: Objection[] = [];
  let growth = 0;
  const quantizations: Described[] = [];
  for (const section of model.sections)
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
            quantizations.push({ ...quantization, columns: spec.inFeatures, dtype: floatDtypeOf(spec, request) });
            const { grid, groupSize, alternatives = [], reordered } = quantization;
            for (const one of [grid, ...alternatives]) {
              const limit = format.limit(spec, one, groupSize, reordered);
              if (limit) problems.push(limit);
            }
            if (alternatives.length > 0)
              planned = { ...planned, grids: [grid, ...alternatives].map(({ name }) => name) };
            const bytesAfter = sizeAfter(spec, quantization, request) ?? planned.bytesAfter;
            growth += bytesAfter - planned.bytesAfter;
            planned = { ...planned, bytesAfter };
          }
          const bitsPerWeight = algorithm.bitsPerWeight?.(spec, options);
          if (bitsPerWeight !== undefined) planned = { ...planned, bitsPerWeight };
        }
        linears.push(planned);
      }
  const touched = model.sections
    .flatMap(({ sites }) => sites.flatMap((site) => site.linears))
    .filter(({ untouched }) => untouched === undefined);
  for (const { algorithm, options } of pipeline)
    for (const message of algorithm.checkTogether?.(touched, options) ?? []) problems.push({ layer: '', message });
  return { linears, growth, problems, ...configure(quantizations, linears, request, problems) };
}

/** The steps that may change a Linear. */
function weightSteps(pipeline: PlanRequest['pipeline']): PlanRequest['pipeline'] {
  return pipeline.filter((step) => stageOf(step) !== 'cache');
}

function leftAlone(
  spec: LinearSpec,
  section: string,
  site: string,
  { checkpoint, pipeline }: PlanRequest,
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

function floatDtypeOf({ weight }: LinearSpec, { checkpoint }: PlanRequest): FloatDtype | undefined {
  const dtype = checkpoint.tensors.get(weight)?.dtype;
  return dtype && isFloatDtype(dtype) ? dtype : undefined;
}

function sizeAfter(spec: LinearSpec, { grid, groupSize }: Quantization, request: PlanRequest): number | undefined {
  const dtype = floatDtypeOf(spec, request);
  return dtype && request.format.size(spec, grid, groupSize, dtype);
}

/** Formats that store codes describe all Linears at once, so all must have one grid and one group size (or one group a row). */
function configure(
  quantizations: readonly Described[],
  linears: readonly PlannedLinear[],
  { format }: PlanRequest,
  problems: Objection[],
): { configuration: Readonly<Record<string, unknown>> | undefined } {
  const [first] = quantizations;
  if (!first) return { configuration: undefined };
  const uniform = quantizations.every(({ groupSize }) => groupSize === first.groupSize);
  const wholeRows = quantizations.every(({ groupSize, columns }) => groupSize === columns);
  const oneGrid = quantizations.every(
    ({ grid, alternatives }) => grid.name === first.grid.name && grid.bits === first.grid.bits && !alternatives?.length,
  );
  if (format.storesCodes && (!oneGrid || (!uniform && !wholeRows)))
    problems.push({
      layer: '',
      message: `The format ${format.name} holds one grid and one group size for all Linears; give all the same.`,
    });
  return {
    configuration: format.configuration({
      grid: first.grid,
      groupSize: wholeRows ? -1 : first.groupSize,
      reordered: quantizations.some(({ reordered }) => reordered === true),
      ...(first.dtype && { dtype: first.dtype }),
      quantized: linears.filter(({ untouched }) => untouched === undefined).map(({ layer }) => layer),
      untouched: linears.filter(({ untouched }) => untouched !== undefined).map(({ layer }) => layer),
    }),
  };
}
