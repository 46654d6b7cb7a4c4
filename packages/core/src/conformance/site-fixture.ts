import type { Kernels, Matrix } from '@compress/kernels';
import type { Algorithm, LinearResult, SiteLinear, Survey, SurveyedSection, Warning } from '../algorithm/algorithm.ts';
import { dequantizeWeight } from '../grid/quantize-weight.ts';
import type { SiteInference } from '../inference/inference.ts';
import type { LinearSpec, SectionSpec } from '../model/model.ts';
import { randomStream } from '../random-stream.ts';
import { createStatisticsCollector } from '../statistics/create-statistics-collector.ts';
import type { Statistics } from '../statistics/statistics.ts';

const FEATURES = 128;
const OUT_FEATURES = [48, 33];

/** A site with two Linears and the tokens that calibration brings to it. Cases change what they are about. */
export interface SiteFixture {
  readonly linears: readonly SiteLinear[];
  /** `[tokens, 128]` */
  readonly activations: Matrix;
}

export interface SiteOutcome {
  readonly results: readonly LinearResult[];
  /** The new weights, `[out, in]` each. */
  readonly values: readonly Matrix[];
  readonly warnings: readonly Warning[];
  /** What the site's activation goes through from now on. */
  readonly inference: SiteInference;
}

/** Channels are correlated and of unequal strength, as real ones are. */
export function siteFixture(tokens = 300): SiteFixture {
  const { normal, uniform } = randomStream('conformance');
  const strengths = Float64Array.from({ length: FEATURES }, () => 0.1 + 3 * uniform() ** 3);
  const activations = new Float32Array(tokens * FEATURES);
  for (let t = 0; t < tokens; t++) {
    const shared = normal();
    for (let c = 0; c < FEATURES; c++) activations[t * FEATURES + c] = strengths[c] * (normal() + shared);
  }
  return {
    linears: OUT_FEATURES.map((outFeatures, i) => ({
      spec: spec(`blocks.0.linear${i}`, outFeatures),
      weight: {
        rows: outFeatures,
        columns: FEATURES,
        data: Float32Array.from({ length: outFeatures * FEATURES }, () => 0.05 * normal()),
      },
    })),
    activations: { rows: tokens, columns: FEATURES, data: activations },
  };
}

export function spec(name: string, outFeatures: number, inFeatures = FEATURES): LinearSpec {
  return { name, weight: `${name}.weight`, outFeatures, inFeatures, transposed: false };
}

/** What the float model has there: a little more of everything, and of each channel a part of its neighbour. */
function floatActivations({ rows, columns, data }: Matrix): Matrix {
  return { rows, columns, data: data.map((x, i) => 1.02 * x + 0.05 * data[i % columns === 0 ? i : i - 1]) };
}

/** A survey of this one site, each of whose Linears moves the outputs as much as any other. */
async function surveyed(
  survey: Survey,
  section: SectionSpec,
  linears: readonly SiteLinear[],
  statistics: Statistics,
  kernels: Kernels,
): Promise<SurveyedSection[]> {
  const sensitivities = Object.fromEntries(linears.map(({ spec }) => [spec.name, 1]));
  const figures = await survey.section([{ linears, statistics }], kernels);
  return [{ section, figures, ...(survey.sensitivities && { sensitivities }) }];
}

/** Calibrates and treats the site, as the walk would. */
export async function treatFixture<Options>(
  algorithm: Algorithm<Options>,
  options: Options,
  { linears, activations }: SiteFixture,
  kernels: Kernels,
): Promise<SiteOutcome> {
  const site = { name: 'blocks.0.input', features: activations.columns, linears: linears.map(({ spec }) => spec) };
  const survey = algorithm.survey?.(options);
  const observations = [...(algorithm.observes?.(options) ?? []), ...(survey?.observes ?? [])];
  const collector = createStatisticsCollector({ site: site.name, features: site.features, observations, kernels });
  await collector.observe(activations, floatActivations(activations));
  const statistics = await collector.finish();
  const section: SectionSpec = { name: 'blocks.0', kind: 'block', tensors: [], sites: [site], links: [] };
  const warnings: Warning[] = [];
  let inference: SiteInference = {};
  const results = await algorithm.site!(
    {
      site,
      linears,
      statistics,
      ...(survey && { survey: await surveyed(survey, section, linears, statistics, kernels) }),
      kernels,
      random: randomStream(0, algorithm.name, site.name),
      infer: (change) => {
        inference = { ...inference, ...change };
      },
      warn: (warning) => void warnings.push(warning),
    },
    options,
  );
  const values = await Promise.all(
    results.map(({ weight, quantized }) => (quantized ? dequantizeWeight(quantized, kernels) : weight!)),
  );
  return { results, values, warnings, inference };
}
