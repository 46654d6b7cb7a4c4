import {
  type AttentionCache,
  agedCounts,
  ageEntries,
  type CacheInference,
  createPackedCache,
  randomStream,
} from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { describe, expect, test } from 'vitest';
import { bitsPerElement, cacheInference, createKvCache } from './index.ts';

const kernels = createReferenceKernels();

const heads = { heads: 4, keyHeads: 2, headDimension: 16 };
const columns = heads.keyHeads * heads.headDimension;
const LENGTH = 75;
const BEGIN = 20;
const SCALE = 0.25;

/** Keys whose channels differ in strength and mean, as real ones do. */
function entries(name: string, width = columns): Matrix {
  const { normal } = randomStream(name);
  const strengths = Array.from({ length: width }, () => [Math.abs(normal()) ** 3, normal()]);
  const data = Float32Array.from({ length: LENGTH * width }, (_, i) => {
    const [deviation, mean] = strengths[i % width];
    return mean + deviation * normal();
  });
  return { rows: LENGTH, columns: width, data };
}

const rowsOf = ({ data, columns: width }: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  columns: width,
  data: data.subarray(from * width, to * width),
});

/** The outputs of a cache that begins with 20 tokens, takes the others one by one, and the last 9 together. */
async function decode(packed: AttentionCache, queries: Matrix, keys: Matrix, values: Matrix): Promise<Matrix> {
  const output = kernels.matrix(LENGTH, queries.columns);
  packed.append(rowsOf(keys, 0, BEGIN), rowsOf(values, 0, BEGIN));
  for (let from = BEGIN, to: number; from < LENGTH; from = to) {
    to = from < LENGTH - 9 ? from + 1 : LENGTH;
    const [q, k, v] = [queries, keys, values].map((entry) => rowsOf(entry, from, to));
    output.data.set((await packed.attend({ queries: q, keys: k, values: v })).data, from * queries.columns);
  }
  expect(packed.tokens).toBe(LENGTH);
  return output;
}

/** The same bits, of all that was not appended alone. */
function expectSame(actual: Matrix, expected: Matrix): void {
  expect(actual.data.subarray(BEGIN * actual.columns)).toEqual(expected.data.subarray(BEGIN * actual.columns));
}

/** Every output, from one call over the whole sequence. */
async function simulate(
  cache: CacheInference,
  queries: Matrix,
  keys: Matrix,
  values: Matrix,
  window = LENGTH,
): Promise<Matrix> {
  const output = kernels.matrix(LENGTH, queries.columns);
  const p = { length: LENGTH, headDimension: heads.headDimension, sinks: cache.sinks };
  const aged = {
    keys: cache.keys ? ageEntries(keys, cache.keys, p, kernels) : keys,
    values: cache.values ? ageEntries(values, cache.values, p, kernels) : values,
    keyCounts: agedCounts(cache.keys, cache, LENGTH),
    valueCounts: agedCounts(cache.values, cache, LENGTH),
  };
  await kernels.attention({ queries, keys, values, ...heads, length: LENGTH, scale: SCALE, window, aged, output });
  return output;
}

const levels = [-1.5104176, -0.45278, 0.45278, 1.5104176];
const recipes: Record<string, unknown>[] = [
  { bits: 2, groupSize: 16, residual: 32 },
  { bits: 3, groupSize: 8, residual: 8, sinks: 3 },
  { keys: { bits: 4, per: 'token' }, values: { bits: 2, per: 'channel' }, groupSize: 16, residual: 16, sinks: 1 },
  { bits: 8, groupSize: 4, residual: 0 },
  { keys: { bits: 2, outliers: 0.1 }, values: { bits: 2, outliers: 0.05 }, groupSize: 16, residual: 16 },
  { keys: { grid: 'fp8', groupSize: 'head', per: 'token' }, values: 'fp8', groupSize: 16, residual: 5 },
  { k: 4, v: 2, groupSize: 16, residual: 128 },
];

describe.each(recipes)('%j', (recipe) => {
  test('a packed cache filled token by token gives what the simulation gives at once', async () => {
    const cache = cacheInference(createKvCache().options.parse(recipe), heads);
    const [queries, keys, values] = [entries('queries', 64), entries('keys'), entries('values')];
    const expected = await simulate(cache, queries, keys, values);
    const packed = createPackedCache({ cache, heads, scale: SCALE, kernels });
    expectSame(await decode(packed, queries, keys, values), expected);
  });
});

test('calibrated scales and codebooks pack too', async () => {
  const [queries, keys, values] = [entries('queries', 64), entries('keys'), entries('values')];
  const cache: CacheInference = {
    keys: { grid: { kind: 'int', bits: 8 }, axis: 'token', groupSize: 16, scales: [0.05, 0.07] },
    values: { grid: { kind: 'levels', levels, scale: 'norm' }, axis: 'token', groupSize: 16 },
    keysBeforeRotary: false,
    window: 4,
    sinks: 2,
  };
  const expected = await simulate(cache, queries, keys, values);
  const packed = createPackedCache({ cache, heads, scale: SCALE, kernels });
  expectSame(await decode(packed, queries, keys, values), expected);
});

test('a sliding window', async () => {
  const [queries, keys, values] = [entries('queries', 64), entries('keys'), entries('values')];
  const cache = cacheInference(createKvCache().options.parse({ bits: 2, groupSize: 16, residual: 16 }), heads);
  for (const window of [1, 20, 37]) {
    const packed = createPackedCache({ cache, heads, scale: SCALE, window, kernels });
    expectSame(await decode(packed, queries, keys, values), await simulate(cache, queries, keys, values, window));
  }
});

test('keys before RoPE: they are turned as they are read', async () => {
  const [queries, keys, values] = [entries('queries', 64), entries('keys'), entries('values')];
  const cache = cacheInference(
    createKvCache().options.parse({ bits: 2, groupSize: 16, residual: 16, beforeRope: true }),
    heads,
  );
  const angle = (position: number, pair: number) => position * 10_000 ** (-pair / 8);
  const table = (f: (x: number) => number) => ({
    rows: LENGTH,
    columns: 8,
    data: Float32Array.from({ length: LENGTH * 8 }, (_, i) => f(angle(Math.floor(i / 8), i % 8))),
  });
  const rotary = { cos: table(Math.cos), sin: table(Math.sin), dimensions: 16 };
  /** By the definition, apart from the kernels. */
  const turn = async (held: Matrix) => {
    const turned = { ...held, data: held.data.slice() };
    for (let position = 0; position < held.rows; position++)
      for (let head = 0; head < heads.keyHeads; head++)
        for (let i = 0; i < 8; i++) {
          const low = position * columns + head * 16 + i;
          const [x, y] = [held.data[low], held.data[low + 8]];
          const [c, s] = [Math.cos(angle(position, i)), Math.sin(angle(position, i))];
          turned.data[low] = x * c - y * s;
          turned.data[low + 8] = y * c + x * s;
        }
    return turned;
  };
  const aged = ageEntries(keys, cache.keys!, { length: LENGTH, headDimension: 16, sinks: 0 }, kernels);
  const turned = { ...keys, data: keys.data.slice() };
  for (const entry of [aged, turned]) await kernels.rotate({ values: entry, heads: 2, length: LENGTH, rotary });
  const output = kernels.matrix(LENGTH, 64);
  const ages = {
    keys: aged,
    values: ageEntries(values, cache.values!, { length: LENGTH, headDimension: 16, sinks: 0 }, kernels),
    keyCounts: agedCounts(cache.keys, cache, LENGTH),
    valueCounts: agedCounts(cache.values, cache, LENGTH),
  };
  const p = { queries, keys: turned, values, ...heads, length: LENGTH, scale: SCALE, output };
  await kernels.attention({ ...p, aged: ages });
  const packed = createPackedCache({ cache, heads, scale: SCALE, turn, kernels });
  const actual = await decode(packed, queries, keys, values);
  for (let i = BEGIN * 64; i < actual.data.length; i++)
    expect(Math.abs(actual.data[i] - output.data[i])).toBeLessThan(1e-5 * Math.max(1, Math.abs(output.data[i])));
});

test('memory: codes, scales and minima of what is old, floats of what is new', () => {
  const cache = cacheInference(
    createKvCache().options.parse({ bits: 2, groupSize: 16, residual: 32, sinks: 2 }),
    heads,
  );
  const packed = createPackedCache({ cache, heads, scale: SCALE, kernels });
  const entry = kernels.matrix(LENGTH, columns);
  packed.append(entry, entry);
  // Seen by the last query: 2 sinks; keys 64 of 72 rounded, then 9 with itself; values 40 rounded, 32 and itself in floats.
  const bits = 2 + 32 / 16;
  const keyBytes = (64 * columns * bits) / 8 + (2 + 9) * columns * 4;
  const valueBytes = (40 * columns * bits) / 8 + (2 + 33) * columns * 4;
  expect(packed.bytes).toBe(keyBytes + valueBytes);
  expect(bitsPerElement(cache.keys!)).toBe(bits);
});
