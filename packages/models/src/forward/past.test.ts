import {
  type AttentionInference,
  type CacheInference,
  type Checkpoint,
  holdModel,
  type Inference,
  type Model,
  openSequence,
  type SiteInference,
} from '@compress/core';
import { createKernels, createReferenceKernels, type Kernels } from '@compress/kernels';
import { afterAll, describe, expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { runModel } from '../testing/run-model.ts';

const fast = await createKernels({ threads: 1 });
afterAll(() => fast.close());
const reference = createReferenceKernels();

/** Logits of what follows each prefix, the sequence growing by these many tokens at a time. */
async function grow(
  model: Model,
  checkpoint: Checkpoint,
  tokens: Uint32Array,
  steps: readonly number[],
  kernels: Kernels,
) {
  const sequence = openSequence(await holdModel({ model, checkpoint, kernels }));
  const logits = new Map<number, Float32Array>();
  for (const step of steps) {
    const next = await sequence.append(tokens.subarray(sequence.tokens, sequence.tokens + step));
    logits.set(sequence.tokens, next);
  }
  return { logits, cacheBytes: sequence.cacheBytes };
}

/** The same from a pass over the whole prefix. */
async function whole(model: Model, checkpoint: Checkpoint, tokens: Uint32Array, end: number, kernels: Kernels) {
  const given = { tokens: tokens.subarray(0, end), length: end };
  const { data, columns } = await runModel(model, checkpoint, given, kernels);
  return data.slice((end - 1) * columns);
}

/** What some algorithms leave in inference.json, for every block of a model: activations rounded, inner ones rotated, heads rotated, a cache. */
function withInference(
  model: Model,
  checkpoint: Checkpoint,
  p: { readonly site?: SiteInference; readonly attention: AttentionInference },
): Checkpoint {
  const blocks = model.sections.filter(({ kind }) => kind === 'block');
  const inference: Inference = {
    sites: p.site ? Object.fromEntries(blocks.flatMap(({ sites }) => sites.map(({ name }) => [name, p.site!]))) : {},
    attention: Object.fromEntries(blocks.map(({ name }) => [name, p.attention])),
  };
  return { ...checkpoint, inference };
}

const steps = [Array.from({ length: 21 }, () => 1), [7, ...Array.from({ length: 14 }, () => 1)], [2, 5, 1, 9, 4]];

describe.each([
  ['the reference kernels', reference],
  ['the WASM kernels', fast],
] as const)('%s', (_, kernels) => {
  test.each(goldenCases)('%s: a sequence that grows has the bits of the pass over its prefix', async (name) => {
    const { config, checkpoint, tokens } = await readGolden(name);
    const model = modelFromConfig(config, checkpoint.tensors);
    for (const by of steps)
      for (const [end, logits] of (await grow(model, checkpoint, tokens, by, kernels)).logits)
        expect(logits).toEqual(await whole(model, checkpoint, tokens, end, kernels));
    await checkpoint.close();
  });

  test.each(goldenCases)('%s: so it is where activations are rounded and keys rotated', async (name) => {
    const golden = await readGolden(name);
    const model = modelFromConfig(golden.config, golden.checkpoint.tensors);
    const [{ attention }] = model.sections.filter(({ kind }) => kind === 'block');
    const checkpoint = withInference(model, golden.checkpoint, {
      site: { quantizer: { bits: 8, scale: 'token' } },
      attention: { rotation: { kind: 'hadamard', size: attention!.headDimension % 4 === 0 ? 4 : 2 } },
    });
    const plain = await whole(model, golden.checkpoint, golden.tokens, 21, kernels);
    const { logits } = await grow(model, checkpoint, golden.tokens, steps[1], kernels);
    for (const [end, next] of logits) expect(next).toEqual(await whole(model, checkpoint, golden.tokens, end, kernels));
    expect(largestDifference(logits.get(21)!, plain)).toBeGreaterThan(1e-3);
    await golden.checkpoint.close();
  });
});

const caches: Partial<CacheInference>[] = [
  {},
  { window: 8, sinks: 3 },
  { keysBeforeRotary: true, window: 0 },
  { keys: { grid: { kind: 'fp8' }, axis: 'token', groupSize: 2 }, window: 2 },
];

/**
 * Where a tile of keys holds rounded and fresh ones, the WASM kernels sum the two apart in a pass over the prefix, and in one go for the packed cache; logits are up to 8.
 */
const MAX_DIFFERENCE = 1e-4;

describe.each(caches)('a quantized cache: %j', (change) => {
  const cache: CacheInference = {
    keys: { grid: { kind: 'int', bits: 2 }, axis: 'channel', groupSize: 4 },
    values: { grid: { kind: 'int', bits: 2 }, axis: 'token', groupSize: 2 },
    keysBeforeRotary: false,
    window: 4,
    sinks: 0,
    ...change,
  };

  async function compare(
    name: string,
    kernels: Kernels,
    same: (next: Float32Array, simulated: Float32Array) => void,
  ): Promise<void> {
    const golden = await readGolden(name);
    const model = modelFromConfig(golden.config, golden.checkpoint.tensors);
    const attention = { rotation: { kind: 'hadamard', size: 2 }, cache } as const;
    const checkpoint = withInference(model, golden.checkpoint, { attention });
    const float = await grow(model, golden.checkpoint, golden.tokens, [21], kernels);
    for (const by of steps.slice(2)) {
      const { logits, cacheBytes } = await grow(model, checkpoint, golden.tokens, by, kernels);
      for (const [end, next] of logits) same(next, await whole(model, checkpoint, golden.tokens, end, kernels));
      expect(cacheBytes).toBeLessThan(float.cacheBytes);
      expect(largestDifference(logits.get(21)!, float.logits.get(21)!)).toBeGreaterThan(1e-3);
    }
    await golden.checkpoint.close();
  }

  test.each(goldenCases)('%s: it is packed, and has the bits of the simulation', async (name) => {
    await compare(name, reference, (next, simulated) => expect(next).toEqual(simulated));
  });

  test.each(['llama', 'gemma3'])('%s: so it is with the WASM kernels, but for the order of sums', async (name) => {
    await compare(name, fast, (next, simulated) =>
      expect(largestDifference(next, simulated)).toBeLessThanOrEqual(MAX_DIFFERENCE),
    );
  });
});

test('a sequence longer than the context, and a cache of another sequence, are refused', async () => {
  const { config, checkpoint, tokens } = await readGolden('gpt2');
  const model = modelFromConfig(config, checkpoint.tensors);
  const held = await holdModel({ model, checkpoint, kernels: reference });
  await checkpoint.close();
  const sequence = openSequence(held);
  await sequence.append(tokens.subarray(0, 30));
  await expect(sequence.append(tokens.subarray(0, 3))).rejects.toMatchObject({ code: 'sequence-too-long' });
  expect(sequence.tokens).toBe(30);
  await sequence.append(tokens.subarray(0, 2));
  await expect(openSequence(held).append(Uint32Array.of(67))).rejects.toMatchObject({ code: 'token-unknown' });
});

test('LongRoPE: beyond the length of its short factors a sequence does not go on', async () => {
  const { config, checkpoint } = await readGolden('phi3');
  const model = modelFromConfig(config, checkpoint.tensors);
  await checkpoint.close();
  expect([model.continues!(15, 16), model.continues!(16, 17), model.continues!(17, 21)]).toEqual([true, false, true]);
});
