import { type Grid, integerGrid, type ModuleInference, type SiteInference, type TensorSource } from '@compress/core';
import { createReferenceKernels } from '@compress/kernels';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, readFloats, wholeBytes } from '../checkpoint-of.test.fixture.ts';
import { exactValue, linearSpec, quantizedWeight } from '../quantized.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';
import { readConfiguration } from './read-configuration.ts';

const kernels = createReferenceKernels();
const int8 = integerGrid({ bits: 8 });
const heads = { heads: 4, keyHeads: 2, headDimension: 64 };

const modulesOf = (inputs: Record<string, SiteInference>): ModuleInference => ({
  inputs: new Map(Object.entries(inputs)),
  attention: new Map(),
});
const dynamic = modulesOf({ layer: { quantizer: { bits: 8, scale: 'token' } } });
const fixed = modulesOf({ layer: { quantizer: { bits: 8, scale: 0.1 } } });

const configurationOf = (modules: ModuleInference, groupSize = -1, scaleRows: number | 'all' = 1, grid: Grid = int8) =>
  compressedTensors.configuration({
    grid,
    groupSize,
    scaleRows,
    quantized: [...modules.inputs.keys()],
    untouched: ['lm_head'],
    modules,
  })!;

it('names W8A8 as the library does', () => {
  const weights = { num_bits: 8, type: 'int', symmetric: true, strategy: 'channel', group_size: null, dynamic: false };
  expect(configurationOf(dynamic)).toMatchObject({
    format: 'int-quantized',
    config_groups: {
      group_0: {
        targets: ['Linear'],
        weights,
        input_activations: { ...weights, strategy: 'token', dynamic: true },
        format: 'int-quantized',
      },
    },
  });
  expect(configurationOf(fixed, -1, 'all')).toMatchObject({
    config_groups: {
      group_0: { weights: { ...weights, strategy: 'tensor' }, input_activations: { ...weights, strategy: 'tensor' } },
    },
  });
  expect(configurationOf(dynamic, 32)).toMatchObject({
    config_groups: { group_0: { weights: { ...weights, strategy: 'group', group_size: 32 } } },
  });
});

it('gives Linears whose activations are rounded differently a group each', () => {
  const modules = modulesOf({
    a: { quantizer: { bits: 8, scale: 0.1 } },
    b: { quantizer: { bits: 8, scale: 'token' } },
    c: { quantizer: { bits: 8, scale: 2 } },
  });
  expect(configurationOf(modules)).toMatchObject({
    config_groups: {
      group_0: { targets: ['a', 'c'], input_activations: { strategy: 'tensor' } },
      group_1: { targets: ['b'], input_activations: { strategy: 'token' } },
    },
  });
});

/** Every strategy, shapes that are odd. */
const weights = fc
  .record({
    bits: fc.integer({ min: 2, max: 8 }),
    strategy: fc.constantFrom('tensor', 'channel', 'group'),
    scaleType: fc.constantFrom('f16', 'f32'),
    rows: fc.integer({ min: 1, max: 20 }),
    groups: fc.integer({ min: 1, max: 4 }),
    groupSize: fc.integer({ min: 1, max: 20 }),
    seed: fc.nat(),
  })
  .map(({ bits, strategy, scaleType, rows, groups, groupSize, seed }) => {
    const grid = integerGrid({ bits, scaleType });
    const grouped = strategy === 'group';
    const quantized = quantizedWeight({ rows, groups: grouped ? groups : 1, groupSize, grid, seed });
    const { scales } = quantized.scales;
    if (strategy === 'tensor') scales.fill(scales[0]);
    return {
      quantized,
      groupSize: grouped ? groupSize : -1,
      scaleRows: strategy === 'tensor' ? ('all' as const) : 1,
    };
  });

describe('a byte a code', () => {
  it('returns (code - zero) * scale for every strategy and odd shape, in the size that was foretold', async () => {
    await fc.assert(
      fc.asyncProperty(weights, async ({ quantized, groupSize, scaleRows }) => {
        const { rows, columns, grid } = quantized;
        const spec = linearSpec(rows, columns);
        const treatment = { scaleRows, activations: { bits: 8, scale: 'token' } } as const;
        expect(compressedTensors.limit(spec, grid, quantized.groupSize, false, treatment)).toBeUndefined();
        const sources = compressedTensors.write({ spec, quantized, treatment }, 'F16', kernels);
        const written = JSON.parse(JSON.stringify(configurationOf(dynamic, groupSize, scaleRows, grid)));
        const checkpoint = await compressedTensors.open(await checkpointOf(sources), written);
        const weight = await readFloats(checkpoint, 'layer.weight');
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++)
            if (weight[r * columns + c] !== exactValue(quantized, r, c)) expect.fail(`row ${r}, column ${c}`);
        const bytes = await Promise.all(sources.map(wholeBytes));
        const size = bytes.reduce((sum, { byteLength }) => sum + byteLength, 0);
        expect(compressedTensors.size(spec, grid, quantized.groupSize, 'F16', treatment)).toBe(size);
      }),
      { numRuns: 100 },
    );
  });

  it('is the signed code', async () => {
    const group = new Uint32Array(4);
    const scales = { groups: 1, scales: Float32Array.of(0.5), zeros: Float32Array.of(128), group };
    const codes = Uint8Array.of(0, 127, 128, 255);
    const quantized = { rows: 1, columns: 4, grid: int8, groupSize: 4, codes, scales };
    const treatment = { activations: { bits: 8, scale: 'token' } } as const;
    const [weight] = compressedTensors.write({ spec: linearSpec(1, 4), quantized, treatment }, 'F16', kernels);
    expect([...new Int8Array((await wholeBytes(weight)).buffer)]).toEqual([-128, -1, 0, 127]);
  });

  it('does not write one scale for rows that differ', async () => {
    const quantized = quantizedWeight({ rows: 3, groups: 1, groupSize: 4, grid: int8, seed: 1 });
    const treatment = { scaleRows: 'all', activations: { bits: 8, scale: 'token' } } as const;
    const sources = compressedTensors.write({ spec: linearSpec(3, 4), quantized, treatment }, 'F16', kernels);
    await expect(Promise.all(sources.map(wholeBytes))).rejects.toMatchObject({ code: 'not-representable' });
  });
});

it('refuses zero points and nested scales where activations are rounded', () => {
  const treatment = { activations: { bits: 8, scale: 'token' } } as const;
  const refusal = (grid: Grid) => compressedTensors.limit(linearSpec(4, 32), grid, 32, false, treatment)?.message;
  expect(refusal(integerGrid({ bits: 8, symmetric: false }))).toMatch(/vLLM .* use int8/);
  expect(refusal(integerGrid({ bits: 8, nested: 'tensor' }))).toMatch(/not e4m3/);
});

describe('activations', () => {
  const quantized = quantizedWeight({ rows: 4, groups: 1, groupSize: 8, grid: int8, seed: 2 });
  const open = async (modules: ModuleInference, extra: readonly TensorSource[]) => {
    const treatment = { ...modules.inputs.get('layer')!, activations: { bits: 8, scale: 'token' } } as const;
    const sources = compressedTensors.write({ spec: linearSpec(4, 8), quantized, treatment }, 'F16', kernels);
    return compressedTensors.open(await checkpointOf([...sources, ...extra]), configurationOf(modules));
  };

  it('are read back from the configuration and the calibrated scale, which is hidden then', async () => {
    const scales = compressedTensors.carrier!.tensors(fixed);
    expect(scales.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([['layer.input_scale', 'F32', [1]]]);
    const checkpoint = await open(fixed, scales);
    expect([...checkpoint.tensors.keys()]).toEqual(['layer.weight']);
    expect(await checkpoint.modules!.input('layer')).toEqual({ quantizer: { bits: 8, scale: Math.fround(0.1) } });
    expect(await checkpoint.modules!.input('lm_head')).toBeUndefined();
    expect(await checkpoint.modules!.attention('attention', heads)).toBeUndefined();
    const other = await open(dynamic, compressedTensors.carrier!.tensors(dynamic));
    expect(await other.modules!.input('layer')).toEqual({ quantizer: { bits: 8, scale: 'token' } });
  });

  const scale = (value: number): TensorSource[] => [
    {
      ...compressedTensors.carrier!.tensors(fixed)[0],
      bytes: async () => new Uint8Array(Float32Array.of(value).buffer),
    },
  ];
  it.each([
    ['is missing', []],
    ['is 0', scale(0)],
    ['is no number', scale(Number.NaN)],
    ['is infinite', scale(Number.POSITIVE_INFINITY)],
  ])('a calibrated scale that %s is an error', async (_, extra) => {
    const checkpoint = await open(fixed, extra);
    await expect(checkpoint.modules!.input('layer')).rejects.toMatchObject({ code: 'compressed-tensors-parts' });
  });

  it('are refused where no weight is in codes', () => {
    expect(compressedTensors.carrier!.limit(dynamic, false)[0].message).toMatch(/add a quantize step/);
    expect(compressedTensors.carrier!.limit(dynamic, true)).toEqual([]);
    expect(compressedTensors.carrier!.carries(dynamic)).toBe(true);
  });
});

/** What llm-compressor 0.14 writes for its scheme W8A8, but for names. */
const LLM_COMPRESSOR = {
  config_groups: {
    group_0: {
      format: 'int-quantized',
      input_activations: {
        dynamic: true,
        group_size: null,
        num_bits: 8,
        strategy: 'token',
        symmetric: true,
        type: 'int',
      },
      output_activations: null,
      targets: ['Linear'],
      weights: {
        dynamic: false,
        group_size: null,
        num_bits: 8,
        observer: 'memoryless_minmax',
        strategy: 'channel',
        symmetric: true,
        type: 'int',
      },
    },
  },
  format: 'int-quantized',
  global_compression_ratio: null,
  ignore: ['lm_head'],
  kv_cache_scheme: null,
  quant_method: 'compressed-tensors',
  quantization_status: 'compressed',
  sparsity_config: {},
  transform_config: {},
  version: '0.19.0',
};

it('understands what llm-compressor writes', () => {
  const { codes, groups, transforms } = readConfiguration(LLM_COMPRESSOR, 'folder');
  expect(codes?.layout).toBe('int-quantized');
  expect(codes?.weights('any')).toEqual({ bits: 8, type: 'int', symmetric: true, groupSize: -1, scaleRows: 1 });
  const input = { bits: 8, type: 'int', scale: 'token' };
  expect(groups).toEqual([expect.objectContaining({ targets: ['Linear'], input })]);
  expect(transforms).toEqual([]);
});

it.each<[string, object]>([
  ['zero points', { symmetric: false }],
  ['dynamic by token', { strategy: 'tensor' }],
  ['dynamic by token', { strategy: 'group', group_size: 128 }],
  ['type of activations', { type: 'complex' }],
  ['floats of 4 bits', { type: 'float', num_bits: 4 }],
  ['num_bits', { num_bits: 16 }],
  ['block_structure', { block_structure: [1, 128] }],
])('refuses activations that it cannot round so: %s', (word, change) => {
  const { group_0: group } = LLM_COMPRESSOR.config_groups;
  const changed = { ...group, input_activations: { ...group.input_activations, ...change } };
  const read = () => readConfiguration({ ...LLM_COMPRESSOR, config_groups: { group_0: changed } }, 'folder');
  expect(read).toThrow(
    expect.objectContaining({ code: 'quantization-config', message: expect.stringContaining(word) }),
  );
});
