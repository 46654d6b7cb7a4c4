import type { Kernels, Matrix } from '@compress/kernels';
import type { LinearResult, SiteLinear } from '../algorithm/algorithm.ts';
import { CompressError } from '../errors.ts';
import { type Treatment, treatmentOf } from '../format/format.ts';
import type { QuantizedWeight } from '../grid/grid.ts';
import type { LinearSpec, SectionWeights, SiteSpec } from '../model/model.ts';
import { type PipelineStep, stageOf } from '../pipeline/pipeline-step.ts';
import { randomStream } from '../random-stream.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { firstNotFinite } from './first-not-finite.ts';
import type { Reporter } from './reporter.ts';
import type { SectionOutput } from './section-output.ts';
import type { Surveys } from './survey-model.ts';

/** The Linears of a site that algorithms may touch. */
export function treatable(site: SiteSpec): LinearSpec[] {
  return site.linears.filter(({ untouched }) => untouched === undefined);
}

/** A Linear between two steps. */
interface Treated extends SiteLinear {
  readonly quantized?: QuantizedWeight;
  readonly bitsPerWeight: number;
}

/** Applies the steps to a site's Linears, puts the results out, and sets the weights that the rest of the walk computes with. */
export async function treatSite(p: {
  site: SiteSpec;
  linears: readonly LinearSpec[];
  steps: readonly PipelineStep[];
  statistics: Statistics;
  weights: SectionWeights;
  output: SectionOutput;
  /** Width of a weight as the checkpoint stores it. */
  storedBits: (spec: LinearSpec) => number;
  seed: number;
  kernels: Kernels;
  reporter: Reporter;
  surveys: Surveys;
}): Promise<void> {
  let treated: Treated[] = p.linears.map((spec) => ({
    spec,
    weight: p.weights.linears.get(spec.name)!.weight,
    bitsPerWeight: p.storedBits(spec),
  }));
  for (const step of p.steps) treated = await applyStep(step, treated, p);
  for (const { spec, weight, quantized } of treated)
    p.weights.linears.set(spec.name, {
      ...p.weights.linears.get(spec.name),
      weight: quantized
        ? await p.output.putQuantized(spec, { quantized, treatment: treatment(spec), values: weight })
        : await p.output.putWeight(spec, weight),
    });

  function treatment(spec: LinearSpec): Treatment {
    const { algorithm, options } = p.steps.find((step) => stageOf(step) === 'quantize')!;
    return treatmentOf(algorithm.quantization?.(spec, options)?.scaleRows, p.weights.inference.sites.get(p.site.name));
  }
}

async function applyStep(
  step: PipelineStep,
  before: readonly Treated[],
  p: Parameters<typeof treatSite>[0],
): Promise<Treated[]> {
  const { algorithm, options } = step;
  const survey = p.surveys.get(step);
  const start = performance.now();
  const results = await algorithm.site!(
    {
      site: p.site,
      linears: before,
      statistics: p.statistics,
      ...(survey && { survey }),
      kernels: p.kernels,
      random: randomStream(p.seed, algorithm.name, p.site.name),
      infer: (change) => {
        const { sites } = p.weights.inference;
        sites.set(p.site.name, { ...sites.get(p.site.name), ...change });
      },
      warn: (warning) => p.reporter.warn(algorithm.name, warning),
    },
    options,
  );
  const seconds = (performance.now() - start) / 1000 / before.length;
  if (results.length !== before.length)
    throw new TypeError(`${algorithm.name} returned ${results.length} results for ${before.length} Linears`);
  const after: Treated[] = [];
  for (const [i, result] of results.entries()) {
    const { spec } = before[i];
    const bitsPerWeight = result.bitsPerWeight ?? algorithm.bitsPerWeight?.(spec, options) ?? before[i].bitsPerWeight;
    after.push({ ...(await resultOf(result, before[i], algorithm.name, p.kernels)), spec, bitsPerWeight });
    p.reporter.layer({ layer: spec.name, algorithm: algorithm.name, bitsPerWeight, seconds, figures: result.figures });
  }
  return after;
}

async function resultOf(
  result: LinearResult,
  before: Treated,
  algorithm: string,
  kernels: Kernels,
): Promise<Omit<Treated, 'spec' | 'bitsPerWeight'>> {
  const mask = result.mask ?? before.mask;
  const { outFeatures, inFeatures, name } = before.spec;
  const { weight, quantized } = result;
  const shaped = quantized ?? weight;
  if (shaped?.rows !== outFeatures || shaped.columns !== inFeatures)
    throw new TypeError(`${algorithm} returned no weight of [${outFeatures}, ${inFeatures}] for ${name}`);
  const values = quantized ? await valuesOf(quantized, kernels) : weight!;
  if (firstNotFinite(values.data) >= 0)
    throw new CompressError(
      'result-not-finite',
      'The new weights have a NaN or an infinity, so nothing was written; please report it.',
      { algorithm, layer: name },
    );
  return { weight: values, ...(mask && { mask }), ...(quantized && { quantized }) };
}

async function valuesOf({ rows, columns, codes, grid, scales }: QuantizedWeight, kernels: Kernels): Promise<Matrix> {
  const output = kernels.matrix(rows, columns);
  await kernels.dequantize({ codes, grid: grid.codes, scales, output });
  return output;
}
