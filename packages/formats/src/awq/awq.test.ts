import { type Grid, integerGrid, type QuantizedWeight, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { roundTrip } from '../round-trip.test.fixture.ts';
import { awq } from './awq.ts';

const kernels = createReferenceKernels();
const int4 = integerGrid({ bits: 4 });
const asymmetric = integerGrid({ bits: 4, symmetric: false });

async function words(sources: readonly TensorSource[], suffix: string): Promise<string[]> {
  const bytes = await wholeBytes(sources.find(({ name }) => name === `layer.${suffix}`)!);
  return [...new Uint32Array(bytes.slice().buffer)].map((word) => word.toString(16).padStart(8, '0'));
}

it('is written as the golden words, along the outputs', async () => {
  // Codes of 8 outputs for inputs 0 and 1, as AutoAWQ packs them; the same as zero points of two groups.
  const codes = [
    [1, 6, 11, 0, 5, 10, 15, 4],
    [4, 9, 14, 3, 8, 13, 2, 7],
  ];
  const byOutputs = Array.from({ length: 16 }, (_, at) => codes[at % 2][at >> 1]);
  const scales = {
    groups: 2,
    scales: new Float32Array(16).fill(0.5),
    zeros: Float32Array.from(byOutputs),
    group: Uint32Array.of(0, 1),
  };
  const quantized = { rows: 8, columns: 2, grid: asymmetric, groupSize: 1, codes: Uint8Array.from(byOutputs), scales };
  const sources = awq.write({ spec: linearSpec(8, 2), quantized }, 'F16', kernels);
  expect(await words(sources, 'qweight')).toEqual(['4a06f5b1', '7d3928e4']);
  expect(await words(sources, 'qzeros')).toEqual(['4a06f5b1', '7d3928e4']);
});

/** Weights that the format can hold. */
const awqWeight = fc
  .record({
    symmetric: fc.boolean(),
    outputWords: fc.integer({ min: 1, max: 5 }),
    groups: fc.integer({ min: 1, max: 3 }),
    groupSize: fc.constantFrom(32, 64, 128),
    rowSize: fc.integer({ min: 1, max: 70 }),
    seed: fc.nat(),
  })
  .map(({ symmetric, outputWords, groups, groupSize, rowSize, seed }) => {
    const grid = symmetric ? int4 : asymmetric;
    // One group a row may be of any size.
    return quantizedWeight({
      rows: 8 * outputWords,
      groups,
      groupSize: groups === 1 ? rowSize : groupSize,
      grid,
      seed,
    });
  });

it('returns (code - zero) * scale, and codes, scales and zero points, for every shape', async () => {
  await fc.assert(
    fc.asyncProperty(awqWeight, fc.nat(), fc.nat(), async (quantized, a, b) => {
      const coded = await roundTrip(awq, quantized, (r, c) => exactValue(quantized, r, c), [a, b]);
      const { scales, grid } = await coded.read();
      expect(scales).toEqual(quantized.scales);
      expect(grid).toEqual(asymmetric);
    }),
    { numRuns: 60 },
  );
});

it.each<[string, Partial<QuantizedWeight['scales']>, Grid]>([
  ['a scale that f16 cannot hold', { scales: new Float32Array(16).fill(1 / 3) }, int4],
  ['a symmetric zero point off the middle', { zeros: new Float32Array(16).fill(7) }, int4],
  ['a zero point beyond the codes', { zeros: new Float32Array(16).fill(16) }, asymmetric],
  ['groups that do not follow the columns', { group: Uint32Array.from({ length: 64 }, (_, c) => c % 2) }, int4],
])('does not write %s', async (_, part, grid) => {
  const sound = quantizedWeight({ rows: 8, groups: 2, groupSize: 32, grid, seed: 1 });
  const quantized = { ...sound, scales: { ...sound.scales, ...part } };
  const sources = awq.write({ spec: linearSpec(8, 64), quantized }, 'F16', kernels);
  await expect(Promise.all(sources.map(wholeBytes))).rejects.toMatchObject({ code: 'not-representable' });
});

it.each<[string, [number, number], Grid, number, RegExp]>([
  ['3 bits', [8, 64], integerGrid({ bits: 3 }), 64, /take integers of 4 bits, not int3/],
  ['a table', [8, 64], { ...int4, name: 'nf4', codes: { kind: 'table', levels: new Float32Array(16) } }, 64, /not nf4/],
  ['bf16 scales', [8, 64], integerGrid({ bits: 4, scaleType: 'bf16' }), 64, /f16, not bf16/],
  ['groups of 16', [8, 64], int4, 16, /32, 64 or 128 columns or one a row, not 16/],
  ['groups that do not divide', [8, 576], int4, 128, /groups of 128/],
  ['12 outputs', [12, 64], int4, 64, /packs 8 outputs together, and 12/],
])('refuses %s', (_, [outputs, inputs], grid, groupSize, message) => {
  expect(awq.limit(linearSpec(outputs, inputs), grid, groupSize)).toMatchObject({
    layer: 'layer',
    message: expect.stringMatching(message),
  });
});

it('refuses an index of groups, Conv1D and names without .weight', () => {
  expect(awq.limit(linearSpec(8, 64), int4, 32, true)?.message).toMatch(/act-static/);
  expect(awq.limit(linearSpec(8, 64, true), int4, 32)?.message).toMatch(/Conv1D/);
  expect(awq.limit({ ...linearSpec(8, 64), weight: 'experts' }, int4, 32)?.message).toMatch(/not after experts/);
});

describe('what others wrote', () => {
  const quantized = quantizedWeight({ rows: 8, groups: 2, groupSize: 8, grid: asymmetric, seed: 4 });
  const sources = new Map(
    awq.write({ spec: linearSpec(8, 16), quantized }, 'F16', kernels).map((source) => [source.name, source]),
  );
  const sound = { quant_method: 'awq', bits: 4, group_size: 8, zero_point: true, version: 'gemm' };
  const open = async (change: Partial<Record<string, TensorSource | undefined>>, fields: object = sound) => {
    const all = new Map<string, TensorSource | undefined>([...sources, ...Object.entries(change)]);
    return awq.open(await checkpointOf([...all.values()].filter((source) => source !== undefined)), { ...fields });
  };
  const part = (suffix: string, fields: Partial<TensorSource>) => ({
    [`layer.${suffix}`]: { ...sources.get(`layer.${suffix}`)!, ...fields },
  });

  it('is read by the names that AutoAWQ gives', async () => {
    const named = { quant_method: 'awq', w_bit: 4, q_group_size: 8, zero_point: true, version: 'GEMM' };
    expect((await readFloats(await open({}, named), 'layer.weight'))[17]).toBe(exactValue(quantized, 1, 1));
  });

  it.each([
    ['lacks scales', { 'layer.scales': undefined }],
    ['lacks zero points', { 'layer.qzeros': undefined }],
    ['is there in floats too', part('scales', { name: 'layer.weight' })],
    ['has an index of groups', part('scales', { name: 'layer.g_idx' })],
    ['has codes of one dimension', part('qweight', { shape: [16] })],
    ['has codes of another dtype', part('qweight', { dtype: 'F32' })],
    ['has scales of another shape', part('scales', { shape: [8, 2] })],
    ['has zero points of another shape', part('qzeros', { shape: [1, 2] })],
  ])('a layer that %s is an error', async (_, change) => {
    const named = Object.fromEntries(
      Object.values(change).map((source) => [source?.name ?? Object.keys(change)[0], source]),
    );
    await expect(open(named)).rejects.toMatchObject({ name: 'CompressError', code: 'awq-parts' });
  });

  it.each([{ bits: 8 }, { group_size: 0 }, { version: 'gemv' }, { zero_point: false }, { rotated: true }])(
    'a configuration with %j is an error',
    async (fields) => {
      await expect(open({}, { ...sound, ...fields })).rejects.toMatchObject({ code: 'quantization-config' });
    },
  );
});
