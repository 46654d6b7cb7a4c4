import type { CacheInference, CacheSide } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { runModel } from '../testing/run-model.ts';

const kernels = createReferenceKernels();

/** Values per token, all channels of a head together. */
function cacheOf(bits: number, change: Partial<CacheInference> = {}) {
  return (headDimension: number): CacheInference => ({
    keys: { grid: { kind: 'int', bits }, axis: 'channel', groupSize: 4 },
    values: { grid: { kind: 'int', bits }, axis: 'token', groupSize: headDimension },
    keysBeforeRotary: false,
    window: 4,
    sinks: 0,
    ...change,
  });
}

async function logits(name: string, cache: ReturnType<typeof cacheOf> | undefined, end?: number): Promise<Matrix> {
  const { config, checkpoint, tokens, length } = await readGolden(name);
  const model = modelFromConfig(config, checkpoint.tensors);
  const given = tokens.subarray(0, end ?? length);
  const result = await runModel(
    model,
    checkpoint,
    { tokens: given, length: given.length },
    kernels,
    (section, weights) => {
      if (cache && section.attention) weights.inference.attention = { cache: cache(section.attention.headDimension) };
    },
  );
  await checkpoint.close();
  return result;
}

test.each(goldenCases)('%s: 8 bits are nearly floats, 2 bits are not', async (name) => {
  const float = await logits(name, undefined);
  const far = (other: Matrix) => largestDifference(other.data, float.data);
  const [eight, two] = [far(await logits(name, cacheOf(8))), far(await logits(name, cacheOf(2)))];
  expect(two).toBeGreaterThan(5 * eight);
  expect(eight).toBeGreaterThan(0);
});

test.each([cacheOf(2), cacheOf(2, { sinks: 3, window: 8 }), cacheOf(2, { keysBeforeRotary: true, window: 0 })])(
  'a token sees what a decoder would have seen: later tokens change nothing',
  async (cache) => {
    const whole = await logits('llama', cache);
    for (const end of [1, 5, 9, whole.rows - 1]) {
      const part = await logits('llama', cache, end);
      expect([...part.data]).toEqual([...whole.data.subarray(0, part.data.length)]);
    }
  },
);

test('a window that covers all, or sinks that do, leave the floats', async () => {
  const float = await logits('llama', undefined);
  for (const change of [{ window: 400 }, { sinks: 400 }])
    expect((await logits('llama', cacheOf(2, change))).data).toEqual(float.data);
});

test('what is watched are keys before RoPE or after it: those of the first tokens are the same', async () => {
  const { config, checkpoint, tokens, length } = await readGolden('llama');
  const model = modelFromConfig(config, checkpoint.tensors);
  const { keyHeads, headDimension } = model.sections.find(({ attention }) => attention)!.attention!;
  const columns = keyHeads * headDimension;
  const [before, after] = await Promise.all(
    [true, false].map(async (keysBeforeRotary) => {
      const seen: Matrix[] = [];
      await runModel(model, checkpoint, { tokens, length }, kernels, (_, { inference }) => {
        inference.watch = { keysBeforeRotary, see: (keys) => void seen.push({ ...keys, data: keys.data.slice() }) };
      });
      return seen[0];
    }),
  );
  await checkpoint.close();
  expect([before.rows, before.columns]).toEqual([tokens.length, columns]);
  expect(after.data.subarray(0, columns)).toEqual(before.data.subarray(0, columns));
  expect(after.data.subarray(columns)).not.toEqual(before.data.subarray(columns));
  // A rotation keeps every head's norm.
  const norm = ({ data }: Matrix) => Math.hypot(...data.subarray(columns, columns + headDimension));
  expect(norm(after)).toBeCloseTo(norm(before), 5);
});

test('groups of channels that do not fill a head are refused', async () => {
  const values: CacheSide = { grid: { kind: 'int', bits: 4 }, axis: 'token', groupSize: 3 };
  await expect(logits('llama', cacheOf(4, { values }))).rejects.toMatchObject({ code: 'group-size' });
});
