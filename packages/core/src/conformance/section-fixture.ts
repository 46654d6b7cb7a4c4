import assert from 'node:assert/strict';
import type { Kernels, Matrix } from '@compress/kernels';
import type { Algorithm, Warning } from '../algorithm/algorithm.ts';
import { integerGrid } from '../grid/integer-grid.ts';
import type { LinearSpec, Link, SectionSpec, SectionWeights } from '../model/model.ts';
import { randomStream } from '../random-stream.ts';
import { createStatisticsCollector } from '../statistics/create-statistics-collector.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { toyModel } from '../walk/toy/toy-model.ts';
import { spec } from './site-fixture.ts';

/** What groups of a conformance test divide. */
const WIDTH = 128;
/** Rows of the Linear whose outputs the second site reads: one row feeds two channels there. */
const SHARED_ROWS = WIDTH / 2;

/** A block with every kind of link, its weights, and the tokens that calibration brings to each site. Cases change what they are about. */
export interface SectionFixture {
  readonly section: SectionSpec;
  readonly weights: SectionWeights;
  /** By site name, `[tokens, 128]` each. */
  readonly activations: ReadonlyMap<string, Matrix>;
}

/** What a transform left, and said. */
export interface SectionOutcome {
  readonly weights: SectionWeights;
  readonly figures: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly warnings: readonly Warning[];
}

/**
 * norm (with bias) -> a router that stays in float and two Linears of an expert's site, of which `up` -> `down`; and a norm whose gain is stored
 * less 1 -> one Linear. Channels are of unequal strength, as real ones are.
 */
export function sectionFixture(tokens = 300): SectionFixture {
  const { normal, uniform } = randomStream('conformance of transforms');
  const site = (name: string, ...linears: LinearSpec[]) => ({ name, features: WIDTH, linears });
  const biased = { ...spec('up', SHARED_ROWS), bias: 'up.bias' };
  const sites = [
    site('routed', { ...spec('router', 4), untouched: 'it is a router' }),
    site('input', spec('gate', 48), biased),
    site('inner', spec('down', WIDTH)),
    site('last', spec('out', 40)),
  ];
  const rows = Uint32Array.from({ length: WIDTH }, (_, c) => c % SHARED_ROWS);
  const links: Link[] = [
    { kind: 'norm', gain: 'norm', bias: 'norm.bias', unitOffset: false, site: 'routed', alsoScale: ['input'] },
    { kind: 'linear', from: 'up', rows, site: 'inner' },
    { kind: 'norm', gain: 'last.norm', unitOffset: true, site: 'last', alsoScale: [] },
  ];
  const values = (length: number, spread: number, center = 0) =>
    Float32Array.from({ length }, () => center + spread * normal());
  const linears = sites.flatMap(({ linears }) => linears);
  const weights: SectionWeights = {
    linears: new Map(
      linears.map(({ name, bias, outFeatures }) => [
        name,
        {
          weight: { rows: outFeatures, columns: WIDTH, data: values(outFeatures * WIDTH, 0.05) },
          ...(bias !== undefined && { bias: values(outFeatures, 0.1) }),
        },
      ]),
    ),
    tensors: new Map([
      ['norm', values(WIDTH, 0.1, 1)],
      ['norm.bias', values(WIDTH, 0.1)],
      ['last.norm', values(WIDTH, 0.1)],
    ]),
    inference: { sites: new Map() },
  };
  const activations = new Map(
    sites.map(({ name }) => {
      const strengths = Float64Array.from({ length: WIDTH }, () => 0.1 + 3 * uniform() ** 3);
      const data = Float32Array.from({ length: tokens * WIDTH }, (_, i) => strengths[i % WIDTH] * normal());
      return [name, { rows: tokens, columns: WIDTH, data }];
    }),
  );
  const tensors = [
    ...weights.tensors.keys(),
    ...linears.flatMap(({ weight, bias }) => [weight, ...(bias ? [bias] : [])]),
  ];
  const residual = {
    norms: [
      { gain: 'norm', bias: 'norm.bias', unitOffset: false, centers: true, readers: ['router', 'gate', 'up'] },
      { gain: 'last.norm', unitOffset: true, centers: false, readers: ['out'] },
    ],
    writers: ['down'],
    tables: [],
  };
  const parts = [['routed', 'input', 'inner'], ['last']];
  return { section: { name: 'blocks.0', kind: 'block', tensors, sites, parts, links, residual }, weights, activations };
}

/** The outputs of all Linears of a part, in the place of what its forward pass would make of them. */
async function sideBySide(
  linears: readonly { readonly input: Matrix; readonly weight: Matrix; readonly bias?: Float32Array }[],
  kernels: Kernels,
): Promise<Matrix> {
  const rows = linears[0]?.input.rows ?? 0;
  const joined = kernels.matrix(
    rows,
    linears.reduce((sum, { weight }) => sum + weight.rows, 0),
  );
  let column = 0;
  for (const linear of linears) {
    const output = kernels.matrix(rows, linear.weight.rows);
    await kernels.linear({ ...linear, output });
    for (let r = 0; r < rows; r++)
      joined.data.set(output.data.subarray(r * output.columns, (r + 1) * output.columns), r * joined.columns + column);
    column += output.columns;
  }
  return joined;
}

/** Calibrates and transforms the section, as the walk would: the fixture's `weights` are changed. Statistics must not be. */
export async function transformFixture<Options>(
  algorithm: Algorithm<Options>,
  options: Options,
  { section, weights, activations }: SectionFixture,
  kernels: Kernels,
): Promise<SectionOutcome> {
  const observations = algorithm.observes?.(options) ?? [];
  const statistics = new Map<string, Statistics>();
  for (const { name, features } of observations.length > 0 ? section.sites : []) {
    const collector = createStatisticsCollector({ site: name, features, observations, kernels });
    await collector.observe(activations.get(name)!);
    statistics.set(name, await collector.finish());
  }
  const rerun = (site: string, { linears }: SectionWeights) => {
    const part = section.parts!.find((sites) => sites.includes(site))!;
    const reached = section.sites.filter(({ name }) => part.includes(name) && activations.get(name)!.rows > 0);
    return sideBySide(
      reached.flatMap((one) =>
        one.linears.map(({ name }) => ({ input: activations.get(one.name)!, ...linears.get(name)! })),
      ),
      kernels,
    );
  };
  const figures = new Map<string, Readonly<Record<string, number>>>();
  const warnings: Warning[] = [];
  const observed = structuredClone(statistics);
  await algorithm.section!(
    {
      model: { ...toyModel({ hidden: WIDTH, inner: WIDTH, vocabulary: 20, blocks: 1 }), sections: [section] },
      section,
      weights,
      statistics,
      ...(algorithm.reruns?.(options) && { rerun }),
      quantization: () => ({ grid: integerGrid({ bits: 4, symmetric: false }), groupSize: WIDTH }),
      kernels,
      random: randomStream(0, algorithm.name, section.name),
      warn: (warning) => void warnings.push(warning),
      figures: (layer, values) => void figures.set(layer, values),
    },
    options,
  );
  assert.deepEqual(statistics, observed, 'statistics were changed');
  return { weights, figures, warnings };
}
