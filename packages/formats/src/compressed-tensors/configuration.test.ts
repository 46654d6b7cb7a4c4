import { integerGrid } from '@compress/core';
import { describe, expect, it } from 'vitest';
import { fp8Grid } from '../float-grids.ts';
import { compressedTensors } from './compressed-tensors.ts';
import { readConfiguration } from './read-configuration.ts';

const written = (groupSize: number, symmetric = true) =>
  compressedTensors.configuration({
    grid: integerGrid({ bits: 4, symmetric }),
    groupSize,
    quantized: ['model.layers.0.q_proj'],
    untouched: ['lm_head'],
  })!;

it('names the grid, and what is left in floats by its path', () => {
  expect(written(128)).toEqual({
    quant_method: 'compressed-tensors',
    version: '0.13.0',
    format: 'pack-quantized',
    quantization_status: 'compressed',
    global_compression_ratio: null,
    ignore: ['lm_head'],
    kv_cache_scheme: null,
    config_groups: {
      group_0: {
        targets: ['Linear'],
        weights: { num_bits: 4, type: 'int', symmetric: true, strategy: 'group', group_size: 128, dynamic: false },
        input_activations: null,
        output_activations: null,
        format: 'pack-quantized',
      },
    },
  });
});

it('is recognized and understood', () => {
  expect(compressedTensors.recognizes(written(64))).toBe(true);
  expect(compressedTensors.recognizes({ quant_method: 'gptq' })).toBe(false);
  const { codes, groups, transforms } = readConfiguration(written(64, false), 'folder');
  expect(codes?.layout).toBe('pack-quantized');
  expect(codes?.weights('any')).toEqual({ bits: 4, type: 'int', symmetric: false, groupSize: 64, scaleRows: 1 });
  expect(groups).toEqual([expect.objectContaining({ targets: ['Linear'] })]);
  expect(transforms).toEqual([]);
  const rows = readConfiguration(written(-1), 'folder').codes;
  expect(rows?.weights('any')).toMatchObject({ symmetric: true, groupSize: -1 });
});

describe('several grids', () => {
  const grids = new Map([
    ['layers.0.q', integerGrid({ bits: 2, symmetric: false })],
    ['layers.0.k', integerGrid({ bits: 4 })],
    ['layers.1.q', integerGrid({ bits: 2, symmetric: false })],
  ]);
  const mixed = compressedTensors.configuration({
    grid: integerGrid({ bits: 8 }),
    grids,
    groupSize: 32,
    quantized: [...grids.keys()],
    untouched: ['lm_head'],
  })!;

  it('make a group each, of the Linears that it names', () => {
    expect(mixed.config_groups).toMatchObject({
      group_0: { targets: ['layers.0.q', 'layers.1.q'], weights: { num_bits: 2, symmetric: false, group_size: 32 } },
      group_1: { targets: ['layers.0.k'], weights: { num_bits: 4, symmetric: true, group_size: 32 } },
    });
    expect(Object.keys(mixed.config_groups as object)).toHaveLength(2);
  });

  it('are told apart by the names of Linears, and one that no group names is an error', () => {
    const { codes } = readConfiguration(mixed, 'folder');
    expect(codes?.weights('layers.1.q')).toMatchObject({ bits: 2, symmetric: false });
    expect(codes?.weights('layers.0.k')).toMatchObject({ bits: 4, symmetric: true });
    expect(() => codes?.weights('layers.1.k')).toThrow(
      expect.objectContaining({ code: 'quantization-config', message: expect.stringContaining('layers.1.k') }),
    );
  });

  it('are not read by transformers where some have zero points, which the plan says', () => {
    expect(compressedTensors.mixes?.remark?.([...grids.values()])).toMatch(/choose symmetric grids/);
    expect(compressedTensors.mixes?.remark?.([3, 4].map((bits) => integerGrid({ bits })))).toMatch(/^vLLM joins/);
  });

  it('must all be integers, or all of one other kind', () => {
    expect(compressedTensors.mixes?.limit([...grids.values()])).toBeUndefined();
    expect(compressedTensors.mixes?.limit([integerGrid({ bits: 4 }), fp8Grid('f32')])).toMatch(
      /int4, fp8-e4m3 are not all/,
    );
  });
});

const base = { num_bits: 4, type: 'int', symmetric: true, strategy: 'group', group_size: 128 };
const read = (fields: object, weights: object = {}, group: object = {}) =>
  readConfiguration(
    {
      quant_method: 'compressed-tensors',
      format: 'pack-quantized',
      config_groups: { group_0: { targets: ['Linear'], weights: { ...base, ...weights }, ...group } },
      ...fields,
    },
    'folder',
  );

it('accepts what llm-compressor and the library write', () => {
  read(
    { version: '0.9.1', kv_cache_scheme: null, sparsity_config: {}, transform_config: {}, ignore: ['re:.*gate$'] },
    { observer: 'mse', observer_kwargs: { a: 1 }, actorder: 'weight', block_structure: null, scale_dtype: null },
    { input_activations: null, output_activations: null },
  );
  read({ sparsity_config: { format: 'dense' } });
  read({ version: '0.20.0' }, { num_bits: 3 });
  read({ version: '1.0.0' }, { num_bits: 3 });
});

it.each<[string, object, object?, object?]>([
  ['format', { format: 'marlin-24' }],
  ['format', {}, {}, { format: 'float-quantized' }],
  ['kv_cache_scheme', { kv_cache_scheme: 8 }],
  ['transform_config', { transform_config: { config_groups: { R4: {} } } }],
  ['sparsity_config', { sparsity_config: { format: 'sparse-24-bitmask' } }],
  ['new_field', { new_field: 1 }],
  ['config_groups', { config_groups: null }],
  ['no group', { config_groups: {} }],
  ['must be an object', { config_groups: { group_0: 4 } }],
  ['how weights', {}, {}, { weights: null }],
  ['input_activations', {}, {}, { input_activations: 8 }],
  ['before version 0.13', { config_groups: { a: { weights: base }, b: { weights: { ...base, num_bits: 3 } } } }],
  ['num_bits', {}, { num_bits: 1 }],
  ['num_bits', {}, { num_bits: '4' }],
  ['float', {}, { type: 'float' }],
  ['symmetric', {}, { symmetric: 'yes' }],
  ['dynamic', {}, { dynamic: true }],
  ['actorder', {}, { actorder: 'group' }],
  ['strategy', {}, { strategy: 'tensor' }],
  ['group_size', {}, { group_size: null }],
  ['block_structure', {}, { block_structure: [128, 128] }],
  ['before version 0.13', { version: '0.12.2' }, { num_bits: 3 }],
  ['before version 0.13', {}, { num_bits: 6 }],
])('refuses what it cannot honour: %s', (word, fields, weights, group) => {
  expect(() => read(fields, weights, group)).toThrow(
    expect.objectContaining({ code: 'quantization-config', message: expect.stringContaining(word) }),
  );
});
