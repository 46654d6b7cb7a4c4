import {
  createStatisticsCollector,
  type Link,
  type SectionSpec,
  type SectionWeights,
  type Statistics,
  type Warning,
} from '@compress/core';
import { conformance, walkProof } from '@compress/core/conformance';
import { createKernels, createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { smoothquant } from './index.ts';

const makeKernels = (threads: number) => createKernels({ threads });

for (const { name, run } of conformance({
  algorithm: smoothquant,
  options: [
    {},
    { alpha: 0.85, activations: { per: 'tensor' } },
    { alpha: 'auto' },
    { alpha: 'auto', activations: { grid: 'int4', per: 'tensor' } },
    { alpha: 'none', activations: { grid: 'int4' } },
    { alpha: 'none', activations: { per: 'tensor' } },
  ],
  createKernels: makeKernels,
  walk: walkProof({ createKernels: makeKernels }),
}))
  test(name, run);

test('options: half of the difficulty moves, int8 by token', () => {
  expect(smoothquant.options.parse({})).toEqual({ alpha: 0.5, activations: { bits: 8, per: 'token' } });
  for (const wrong of [
    { alpha: 1.1 },
    { alpha: 'some' },
    { activations: { grid: 'int9' } },
    { activations: { per: 1 } },
  ])
    expect(smoothquant.options.safeParse(wrong).success).toBe(false);
  const observes = (recipe: unknown) => smoothquant.observes!(smoothquant.options.parse(recipe));
  expect(observes({ alpha: 'none' })).toEqual([]);
  expect(observes({})).toEqual(['absmax']);
  const last = (per: string) => smoothquant.mustBeLast!(smoothquant.options.parse({ activations: { per } }));
  expect(last('token')).toBeUndefined();
  expect(last('tensor')).toContain('calibrated');
});

const kernels = createReferenceKernels();
const linear = (name: string, untouched?: string) => ({
  name,
  weight: name,
  outFeatures: 2,
  inFeatures: 2,
  transposed: false,
  ...(untouched !== undefined && { untouched }),
});
const links: Link[] = [
  { kind: 'norm', gain: 'norm', unitOffset: false, site: 'routed', alsoScale: ['expert'] },
  { kind: 'linear', from: 'up', rows: Uint32Array.of(0, 1), site: 'inner' },
];
const section: SectionSpec = {
  name: 'blocks.0',
  kind: 'block',
  tensors: [],
  links,
  sites: [
    { name: 'routed', features: 2, linears: [linear('router', 'it is a router')] },
    { name: 'expert', features: 2, linears: [linear('up')] },
    { name: 'inner', features: 2, linears: [linear('down')] },
  ],
};
const matrix = (...data: number[]): Matrix => ({ rows: data.length / 2, columns: 2, data: Float32Array.from(data) });

async function transform(recipe: unknown, activations: Record<string, Matrix>) {
  const options = smoothquant.options.parse(recipe);
  const weights: SectionWeights = {
    linears: new Map([
      ['router', { weight: matrix(4, 0.5, 1, 0.25) }],
      ['up', { weight: matrix(1, 1, 1, 1) }],
      ['down', { weight: matrix(1, 2, 3, 4) }],
    ]),
    tensors: new Map([['norm', Float32Array.of(1, 1)]]),
    inference: { sites: new Map([['inner', { rotation: { kind: 'hadamard', size: 2 } }]]) },
  };
  const statistics = new Map<string, Statistics>();
  for (const { name, features } of section.sites) {
    const collector = createStatisticsCollector({
      site: name,
      features,
      observations: smoothquant.observes!(options),
      kernels,
    });
    await collector.observe(activations[name]);
    statistics.set(name, await collector.finish());
  }
  const warnings: Warning[] = [];
  const figures: Record<string, unknown> = {};
  await smoothquant.section!(
    {
      model: {} as never,
      section,
      weights,
      statistics,
      kernels,
      random: {} as never,
      warn: (warning) => void warnings.push(warning),
      figures: (layer, values) => void Object.assign(figures, { [layer]: values }),
    },
    options,
  );
  return { weights, warnings, figures };
}

test('a router shares its scale with the experts; what no norm feeds is rounded as it is, keeping its rotation', async () => {
  const activations = { routed: matrix(16, 9, -1, 1), expert: matrix(16, 9), inner: matrix(3, -6) };
  const { weights, warnings, figures } = await transform({ activations: { per: 'tensor' } }, activations);
  // Largest weights 4 and 1, largest activations 16 and 9: s = [2, 3].
  expect([...weights.tensors.get('norm')!]).toEqual([0.5, Math.fround(1 / 3)]);
  expect([...weights.linears.get('router')!.weight.data]).toEqual([8, 1.5, 2, 0.75]);
  expect([...weights.linears.get('up')!.weight.data]).toEqual([2, 3, 2, 3]);
  expect([...weights.linears.get('down')!.weight.data]).toEqual([1, 2, 3, 4]);
  expect(Object.fromEntries(weights.inference.sites)).toEqual({
    expert: { quantizer: { bits: 8, scale: 8 / 127 } },
    inner: { rotation: { kind: 'hadamard', size: 2 }, quantizer: { bits: 8, scale: 6 / 127 } },
  });
  expect(figures).toEqual({
    up: { activationBits: 8, absmax: 16, smoothedAbsmax: 8, deadChannels: 0 },
    down: { activationBits: 8, absmax: 6, smoothedAbsmax: 6, deadChannels: 0 },
  });
  expect(warnings).toEqual([]);
});

test('dead channels and sites without tokens are told, and have something that holds', async () => {
  const activations = { routed: matrix(16, 0), expert: matrix(), inner: matrix(0, 0) };
  const { weights, warnings } = await transform({ activations: { grid: 'int4', per: 'tensor' } }, activations);
  expect([...weights.tensors.get('norm')!]).toEqual([0.5, 1]);
  const quantizer = { bits: 4, scale: 'token' };
  expect(weights.inference.sites.get('expert')).toEqual({ quantizer });
  expect(weights.inference.sites.get('inner')).toMatchObject({ quantizer });
  expect(warnings.map(({ code, layer }) => [code, layer])).toEqual([
    ['dead-channels', 'up'],
    ['no-tokens', 'up'],
    ['no-tokens', 'down'],
  ]);
});

test('without smoothing the weights stay', async () => {
  const activations = { routed: matrix(16, 9), expert: matrix(16, 9), inner: matrix(3, -6) };
  const { weights, figures } = await transform({ alpha: 'none' }, activations);
  expect([...weights.linears.get('up')!.weight.data]).toEqual([1, 1, 1, 1]);
  expect(weights.inference.sites.get('expert')).toEqual({ quantizer: { bits: 8, scale: 'token' } });
  expect(figures).toMatchObject({ up: { activationBits: 8 } });
});
