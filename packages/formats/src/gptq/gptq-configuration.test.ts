import { integerGrid } from '@compress/core';
import { describe, expect, it } from 'vitest';
import { gptq } from './gptq.ts';
import { readGptqConfiguration } from './read-gptq-configuration.ts';

const LAYERS = ['q_proj', 'up_proj'].flatMap((name) => [0, 1].map((i) => `model.layers.${i}.${name}`));

describe('written', () => {
  const configuration = (symmetric: boolean, untouched: string[], quantized = LAYERS) =>
    gptq.configuration({ grid: integerGrid({ bits: 4, symmetric }), groupSize: 64, quantized, untouched });

  it('is version 1 for symmetric grids', () => {
    expect(configuration(true, ['lm_head'])).toEqual({
      quant_method: 'gptq',
      checkpoint_format: 'gptq',
      bits: 4,
      group_size: 64,
      sym: true,
      desc_act: false,
      lm_head: false,
      pack_dtype: 'int32',
    });
  });

  it('is version 2 for asymmetric grids, whose zero point may be 0', () => {
    expect(configuration(false, [])).toMatchObject({ checkpoint_format: 'gptq_v2', sym: false });
  });

  it('says desc_act where groups do not follow the columns', () => {
    const grid = integerGrid({ bits: 4 });
    const written = gptq.configuration({ grid, groupSize: 64, reordered: true, quantized: LAYERS, untouched: [] });
    expect(written).toMatchObject({ desc_act: true });
  });

  it('says lm_head where the head is in codes', () => {
    expect(configuration(true, [], [...LAYERS, 'lm_head'])).toMatchObject({ lm_head: true });
  });

  it('excludes Linears that stay in floats in all blocks, for either kind of consumer', () => {
    const untouched = ['model.layers.0.mlp.gate', 'model.layers.1.mlp.gate', 'lm_head'];
    expect(configuration(true, untouched)).toMatchObject({
      dynamic: { '-:^model\\.layers\\.0\\.mlp\\.gate$': {}, '-:^model\\.layers\\.1\\.mlp\\.gate$': {} },
      modules_in_block_to_quantize: [['q_proj', 'up_proj']],
    });
  });

  it('names no modules where blocks differ', () => {
    const written = configuration(true, ['model.layers.2.q_proj', 'model.layers.2.up_proj']);
    expect(Object.keys(written!.dynamic as object)).toHaveLength(2);
    expect(written).not.toHaveProperty('modules_in_block_to_quantize');
  });

  it('is recognized and understood', () => {
    const written = configuration(false, [])!;
    expect(gptq.recognizes(written)).toBe(true);
    expect(readGptqConfiguration(written, 'folder')).toEqual({
      bits: 4,
      groupSize: 64,
      symmetric: false,
      reordered: false,
      zeroOffset: 0,
      dynamic: false,
    });
  });
});

describe('read', () => {
  const base = { quant_method: 'gptq', bits: 4, group_size: 128 };
  const read = (fields: object) => readGptqConfiguration({ ...base, ...fields }, 'folder');

  it('understands older names, and version 1 is the default', () => {
    expect(readGptqConfiguration({ wbits: 4, q_group_size: -1, zero_point: true, version: 'gptq' }, 'folder')).toEqual({
      bits: 4,
      groupSize: -1,
      symmetric: false,
      reordered: false,
      zeroOffset: 1,
      dynamic: false,
    });
    expect(read({}).symmetric).toBe(true);
    expect(read({ sym: false, desc_act: true, dynamic: { '-:x': {} } })).toMatchObject({
      symmetric: false,
      reordered: true,
      dynamic: true,
    });
  });

  it('accepts what GPTQModel and transformers write', () => {
    read({
      meta: { quantizer: ['gptqmodel:5.0.0'] },
      format: 'gptq',
      checkpoint_format: 'gptq',
      pack_dtype: 'int32',
      dynamic: null,
    });
    read({
      backend: 'auto',
      batch_size: 1,
      cache_block_outputs: true,
      damp_percent: 0.1,
      dataset: null,
      act_group_aware: true,
    });
  });

  it.each<[string, object]>([
    ['bits', { bits: 5 }],
    ['bits', { bits: '4' }],
    ['bits', { bits: undefined }],
    ['group_size', { group_size: 0 }],
    ['group_size', { group_size: 'channel' }],
    ['checkpoint_format', { checkpoint_format: 'marlin' }],
    ['checkpoint_format', { checkpoint_format: 'gptq_p' }],
    ['pack_dtype', { pack_dtype: 'int16' }],
    ['Marlin', { is_marlin_format: true }],
    ['adapter', { adapter: { rank: 8 } }],
    ['codebook', { codebook: 'nf4' }],
  ])('refuses what it cannot honour: %s', (word, fields) => {
    expect(() => read(fields)).toThrow(
      expect.objectContaining({ code: 'quantization-config', message: expect.stringContaining(word) }),
    );
  });
});
