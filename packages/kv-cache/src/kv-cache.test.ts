import { type Checkpoint, type Model, tableGrid } from '@compress/core';
import { conformance } from '@compress/core/conformance';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { bitsPerElement, cacheInference, createKvCache, kvCache, withCache } from './index.ts';

const named = {
  quarters: tableGrid({ name: 'quarters', levels: [-1, -0.25, 0.25, 1] }),
};
const algorithm = createKvCache(named);

for (const { name, run } of conformance({
  algorithm,
  options: [
    {},
    { k: 4, v: 2, sinks: 4, residual: 128 },
    { keys: 'fp8', values: { grid: 'quarters', scales: 'norm', groupSize: 'head' }, beforeRope: true },
    { keys: { grid: 'fp8', scales: 'tensor' }, values: { grid: 'fp8', scales: 'head' } },
    { keys: { bits: 8, scales: 'head' }, values: { bits: 8, outliers: 0.01 } },
  ],
  createKernels: (threads) => createKernels({ threads }),
}))
  test(name, run);

const heads = { headDimension: 64 };
const cache = (recipe: unknown) => cacheInference(algorithm.options.parse(recipe), heads);

test("options: KIVI's by default, sides apart, short forms", () => {
  const int = (bits: number) => ({ kind: 'int', bits });
  expect(cache({})).toEqual({
    keys: { grid: int(4), axis: 'channel', groupSize: 32 },
    values: { grid: int(4), axis: 'token', groupSize: 32 },
    keysBeforeRotary: false,
    window: 32,
    sinks: 0,
  });
  expect(cache({ k: 4, v: 2 })).toEqual(cache({ keys: { bits: 4 }, values: { bits: 2 } }));
  expect(cache({ keys: 3, values: 8 })).toEqual(cache({ k: 3, v: 8 }));
  expect(cache({ bits: 2 })).toEqual(cache({ k: 2, v: 2 }));
  expect(cache({ keys: { per: 'token' }, values: { per: 'channel', groupSize: 16 } })).toMatchObject({
    keys: { axis: 'token', groupSize: 32 },
    values: { axis: 'channel', groupSize: 16 },
  });
});

test.each([
  [{ residual: 48 }, 'residual: must be a multiple of 32'],
  [{ keys: { bits: 4, grid: 'fp8' } }, 'keys.grid: cannot stand beside bits'],
  [{ keys: { bits: 4, scales: 'norm' } }, 'keys.scales: can be norm for codebooks only'],
  [{ keys: { scales: 'head', per: 'channel' } }, 'keys.per: cannot be channel'],
  [{ groupSize: 'head' }, 'keys.groupSize: must be a number of tokens'],
])('%j is refused', (recipe, message) => {
  const { error } = algorithm.options.safeParse(recipe);
  expect(error?.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join()).toContain(message);
});

test('calibrated scales: absmax / 448 for fp8, absmax / 127.5 for int8, as vLLM reads them', () => {
  const extremes = { keys: Float32Array.of(896, 44.8), values: Float32Array.of(51, 0) };
  const options = algorithm.options.parse({
    keys: { grid: 'fp8', scales: 'tensor' },
    values: { bits: 8, scales: 'head' },
  });
  const { keys, values } = cacheInference(options, heads, extremes);
  expect(keys?.scales).toEqual([2]);
  expect(values?.scales).toEqual([Math.fround(51 / 127.5), 1]);
  expect(() => cacheInference(options, heads)).toThrow('scales: range');
  expect(algorithm.watches?.(options)).toEqual({ keysBeforeRotary: false });
});

test('bits of an element: codes, f16 scale and minimum, outliers', () => {
  const bits = (recipe: unknown) => bitsPerElement(cache(recipe).keys!);
  expect(bits({ bits: 2 })).toBe(3);
  expect(bits({ bits: 2, groupSize: 64, residual: 64 })).toBe(2.5);
  expect(bits({ keys: { bits: 2, outliers: 0.01 } })).toBe(4);
  expect(bits({ keys: { grid: 'quarters', per: 'token', groupSize: 'head' } })).toBe(2.25);
});

const block = { name: 'blocks.0', attention: { heads: 4, keyHeads: 2, headDimension: 48 } };
const model = { sections: [{ name: 'embedding' }, block] } as unknown as Model;

test('groups of channels that do not fill a head are an objection of the plan and an error of the function', () => {
  const options = algorithm.options.parse({});
  const message = 'Groups of 32 channels do not fill heads of 48; choose a divisor, or "groupSize: head".';
  expect(kvCache.checkModel?.(model, options).objections).toEqual([{ layer: 'blocks.0', message }]);
  expect(() => cacheInference(options, block.attention)).toThrow(message);
});

test('withCache leaves what a checkpoint does otherwise, and the checkpoint itself', () => {
  const rotation = { kind: 'hadamard', size: 16 } as const;
  const inference = { sites: { inner: { rotation } }, attention: { 'blocks.0': { rotation } } };
  const checkpoint = { location: 'memory', inference } as unknown as Checkpoint;
  const options = algorithm.options.parse({ groupSize: 16 });
  const changed = withCache(checkpoint, model, options);
  expect(changed.inference).toEqual({
    sites: inference.sites,
    attention: { 'blocks.0': { rotation, cache: cacheInference(options, block.attention) } },
  });
  expect(checkpoint.inference).toBe(inference);
});
