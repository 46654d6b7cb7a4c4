import type { AttentionInference, CacheInference, CacheSide, ModuleInference, SiteInference } from '@compress/core';
import { describe, expect, it } from 'vitest';
import { checkpointOf } from '../checkpoint-of.test.fixture.ts';
import { compressedTensors } from './compressed-tensors.ts';

const carrier = compressedTensors.carrier!;
const heads = { heads: 4, keyHeads: 2, headDimension: 64 };
const modulesOf = (
  attention: Record<string, AttentionInference>,
  inputs: Record<string, SiteInference> = {},
): ModuleInference => ({
  inputs: new Map(Object.entries(inputs)),
  attention: new Map(Object.entries(attention).map(([name, one]) => [name, { ...one, heads }])),
});

const side = (grid: CacheSide['grid'], scales: readonly number[]): CacheSide => ({
  grid,
  axis: 'token',
  groupSize: 64,
  scales,
});
const cacheOf = (keys: CacheSide, values: CacheSide): CacheInference => ({
  keys,
  values,
  keysBeforeRotary: false,
  window: 0,
  sinks: 0,
});
const fp8 = cacheOf(side({ kind: 'fp8' }, [0.5]), side({ kind: 'fp8' }, [0.25]));
const int8 = cacheOf(side({ kind: 'int', bits: 8 }, [0.5, 2]), side({ kind: 'int', bits: 8 }, [0.25, 1]));

describe('a cache with calibrated scales', () => {
  it.each([
    ['fp8, one scale', fp8, { num_bits: 8, type: 'float', strategy: 'tensor', symmetric: true, dynamic: false }, [1]],
    [
      'int8, one a head',
      int8,
      { num_bits: 8, type: 'int', strategy: 'attn_head', symmetric: true, dynamic: false },
      [2, 1, 1],
    ],
  ])('%s is told by the configuration and tensors, and read back', async (_, cache, scheme, shape) => {
    const modules = modulesOf({ 'layers.0.self_attn': { cache } });
    expect(carrier.limit(modules, false)).toEqual([]);
    expect(carrier.carries(modules)).toBe(true);
    const configuration = carrier.configuration(modules)!;
    expect(configuration).toMatchObject({ format: 'dense', kv_cache_scheme: scheme, config_groups: {} });
    const tensors = carrier.tensors(modules);
    expect(tensors.map(({ name, dtype, shape: size }) => [name, dtype, size])).toEqual([
      ['layers.0.self_attn.k_scale', 'F32', shape],
      ['layers.0.self_attn.v_scale', 'F32', shape],
    ]);
    const opened = await compressedTensors.open(await checkpointOf(tensors), JSON.parse(JSON.stringify(configuration)));
    expect([...opened.tensors.keys()]).toEqual([]);
    expect(await opened.modules!.attention('layers.0.self_attn', heads)).toEqual({ cache });
    await expect(opened.modules!.attention('layers.1.self_attn', heads)).rejects.toMatchObject({
      code: 'compressed-tensors-parts',
    });
  });

  it('whose scale is 0 is refused on reading', async () => {
    const modules = modulesOf({ attention: { cache: fp8 } });
    const tensors = carrier.tensors(modules).map((tensor) => ({ ...tensor, bytes: async () => new Uint8Array(4) }));
    const opened = await compressedTensors.open(await checkpointOf(tensors), carrier.configuration(modules)!);
    await expect(opened.modules!.attention('attention', heads)).rejects.toThrow(/positive numbers, not 0/);
  });

  it.each<[RegExp, Partial<CacheInference>]>([
    [/residual: 0/, { window: 32 }],
    [/sinks: 0/, { sinks: 4 }],
    [/beforeRope/, { keysBeforeRotary: true }],
    [/both need calibrated/, { values: { grid: { kind: 'fp8' }, axis: 'token', groupSize: 64 } }],
    [/both fp8, or both integers/, { values: side({ kind: 'int', bits: 8 }, [1]) }],
    [
      /both fp8, or both integers/,
      { keys: side({ kind: 'int', bits: 4 }, [1]), values: side({ kind: 'int', bits: 4 }, [1]) },
    ],
    [/of one kind/, { values: side({ kind: 'fp8' }, [1, 1]) }],
    [/no outliers/, { keys: { ...side({ kind: 'fp8' }, [1]), outliers: 0.1 } }],
  ])('that readers cannot keep so is refused: %s', (message, change) => {
    const [objection] = carrier.limit(modulesOf({ attention: { cache: { ...fp8, ...change } } }), true);
    expect(objection).toMatchObject({ layer: 'attention', message: expect.stringMatching(message) });
  });

  it('is refused with rotated keys, which vLLM leaves as they are', () => {
    const modules = modulesOf({ attention: { cache: fp8, rotation: { kind: 'hadamard', size: 64 } } });
    expect(carrier.limit(modules, true)[0].message).toMatch(/vLLM does not rotate keys/);
  });
});

it('a cache without calibrated scales is for us alone', () => {
  const group: CacheSide = { grid: { kind: 'int', bits: 4 }, axis: 'channel', groupSize: 32 };
  const modules = modulesOf({ attention: { cache: cacheOf(group, group) } });
  expect(carrier.limit(modules, true)).toEqual([]);
  expect(carrier.carries(modules)).toBe(false);
  expect(carrier.configuration(modules)).toBeUndefined();
});

describe('rotations', () => {
  const rotation = { kind: 'hadamard', size: 64 } as const;
  const modules = modulesOf({ 'layers.0.self_attn': { rotation } }, { 'layers.0.mlp.down_proj': { rotation } });

  it('are told by transform_config and read back', async () => {
    const configuration = carrier.configuration(modules)!;
    const common = { type: 'hadamard', head_dim: 64, randomize: false };
    expect(configuration.transform_config).toMatchObject({
      config_groups: {
        R4_64: { ...common, apply: [{ targets: ['layers.0.mlp.down_proj'], location: 'input' }] },
        R3_64: {
          ...common,
          apply: [
            { targets: ['layers.0.self_attn'], location: 'q_attn' },
            { targets: ['layers.0.self_attn'], location: 'k_cache' },
          ],
        },
      },
    });
    const weight = {
      name: 'layers.0.mlp.down_proj.weight',
      dtype: 'F16',
      shape: [1, 256],
      byteLength: 512,
      bytes: async () => new Uint8Array(512),
    } as const;
    const opened = await compressedTensors.open(
      await checkpointOf([weight]),
      JSON.parse(JSON.stringify(configuration)),
    );
    expect(await opened.modules!.input('layers.0.mlp.down_proj')).toEqual({ rotation });
    expect(await opened.modules!.input('layers.0.mlp.up_proj')).toBeUndefined();
    expect(await opened.modules!.attention('layers.0.self_attn', heads)).toEqual({ rotation });
    expect(await opened.modules!.attention('layers.1.self_attn', heads)).toBeUndefined();
  });

  it('of other orders than powers of two are refused, with the way out', () => {
    const odd = modulesOf({}, { down: { rotation: { kind: 'hadamard', size: 768 } } });
    expect(carrier.limit(odd, true)).toEqual([
      { layer: 'down', message: expect.stringMatching(/order 768 here: rotate blocks \("block: 256"\), leave R4 out/) },
    ]);
  });

  const group = (fields: object, place: object = {}) => ({
    quant_method: 'compressed-tensors',
    format: 'dense',
    config_groups: {},
    transform_config: {
      config_groups: {
        R: { type: 'hadamard', apply: [{ targets: ['down'], location: 'input', ...place }], ...fields },
      },
    },
  });
  it('that are in the weights already are passed over', async () => {
    const opened = await compressedTensors.open(
      await checkpointOf([]),
      group({ type: 'random-matrix' }, { location: 'weight_input' }),
    );
    expect(await opened.modules!.input('down')).toBeUndefined();
  });

  it.each([
    ['random-matrix', group({ type: 'random-matrix' })],
    ['not randomized', group({ randomize: true })],
    ['power of two', group({ head_dim: 12 })],
    ['output', group({}, { location: 'output' })],
    ['name its modules', group({}, { targets: 4 })],
    ['applies to', group({ apply: 4 })],
  ])('that are not known are refused: %s', async (word, configuration) => {
    const checkpoint = await checkpointOf([]);
    await expect(compressedTensors.open(checkpoint, configuration)).rejects.toMatchObject({
      code: 'quantization-config',
      message: expect.stringContaining(word),
    });
  });
});
