import { agedCounts, ageEntries, randomStream } from '@compress/core';
import { createReferenceKernels, decodeHalf, encodeHalf, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { cacheInference, createKvCache, type KvCacheOptions } from './index.ts';

const kernels = createReferenceKernels();
const D = 16;
const LENGTH = 70;
const SCALE = 0.25;

type Vectors = readonly (readonly number[])[];

/** Of channels of unequal strength. */
function vectors(name: string): Vectors {
  const { normal } = randomStream(name);
  const strengths = Array.from({ length: D }, () => 1 + 4 * Math.abs(normal()));
  return Array.from({ length: LENGTH }, () => strengths.map((strength) => Math.fround((strength * normal()) / 4)));
}

/** As scales and minima are stored. */
const half = (x: number) => decodeHalf(encodeHalf(x, 'f16'), 'f16');

/** Algorithm 1 of KIVI in f64, by lists that grow token by token: keys per channel, values per token. */
function decodeWithKivi(
  queries: Vectors,
  keys: Vectors,
  values: Vectors,
  p: { bits: number; group: number; residual: number },
) {
  const round = (group: readonly number[]) => {
    const low = half(Math.min(...group));
    const step = half((Math.max(...group) - Math.min(...group)) / (2 ** p.bits - 1));
    return group.map((x) => low + step * Math.max(0, Math.min(2 ** p.bits - 1, Math.round((x - low) / step))));
  };
  const keysRounded: number[][] = [];
  let keysLeft: number[][] = [];
  const valuesRounded: number[][] = [];
  const valuesLeft: number[][] = [];
  return queries.map((query, t) => {
    keysLeft.push([...keys[t]]);
    valuesLeft.push([...values[t]]);
    const held = [...keysRounded, ...keysLeft];
    const scores = held.map((key) => SCALE * key.reduce((sum, k, i) => sum + k * query[i], 0));
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const seen = [...valuesRounded, ...valuesLeft];
    const output = query.map((_, i) => seen.reduce((sum, value, s) => sum + (weights[s] / total) * value[i], 0));
    // Prefill and decoding alike: what is full is rounded after it was attended to.
    if (keysLeft.length === p.residual) {
      for (let first = 0; first < p.residual; first += p.group) {
        const block = keysLeft.slice(first, first + p.group);
        const channels = query.map((_, c) => round(block.map((key) => key[c])));
        for (const [row] of block.entries()) keysRounded.push(channels.map((channel) => channel[row]));
      }
      keysLeft = [];
    }
    if (valuesLeft.length > p.residual) {
      const [oldest] = valuesLeft.splice(0, 1);
      const groups = Array.from({ length: D / p.group }, (_, g) => round(oldest.slice(g * p.group, (g + 1) * p.group)));
      valuesRounded.push(groups.flat());
    }
    return output;
  });
}

const matrix = (rows: Vectors): Matrix => ({ rows: LENGTH, columns: D, data: Float32Array.from(rows.flat()) });

async function simulate(options: KvCacheOptions, queries: Matrix, keys: Matrix, values: Matrix): Promise<Matrix> {
  const cache = cacheInference(options, { headDimension: D });
  const p = { length: LENGTH, headDimension: D, sinks: cache.sinks };
  const output = kernels.matrix(LENGTH, D);
  const aged = {
    keys: ageEntries(keys, cache.keys!, p, kernels),
    values: ageEntries(values, cache.values!, p, kernels),
    keyCounts: agedCounts(cache.keys, cache, LENGTH),
    valueCounts: agedCounts(cache.values, cache, LENGTH),
  };
  await kernels.attention({ queries, keys, values, heads: 1, keyHeads: 1, length: LENGTH, scale: SCALE, aged, output });
  return output;
}

test.each([
  { bits: 2, group: 8, residual: 8 },
  { bits: 2, group: 8, residual: 24 },
  { bits: 4, group: 4, residual: 16 },
])('the forward pass gives what KIVI gives token by token: %j', async ({ bits, group, residual }) => {
  const [queries, keys, values] = [vectors('q'), vectors('k'), vectors('v')];
  const expected = decodeWithKivi(queries, keys, values, { bits, group, residual });
  const options = createKvCache().options.parse({ bits, groupSize: group, residual });
  const actual = await simulate(options, matrix(queries), matrix(keys), matrix(values));
  let worst = 0;
  let effect = 0;
  const float = decodeWithKivi(queries, keys, values, { bits, group, residual: 1000 });
  for (const [t, row] of expected.entries())
    for (const [i, value] of row.entries()) {
      worst = Math.max(worst, Math.abs(actual.data[t * D + i] - value));
      effect = Math.max(effect, Math.abs(float[t][i] - value));
    }
  expect(effect).toBeGreaterThan(0.03);
  expect(worst).toBeLessThan(1e-5);
});

test('a constant added to all keys changes nothing, if groups of it do not', async () => {
  const [queries, keys, values] = [vectors('q'), vectors('k'), vectors('v')].map(matrix);
  // Multiples of 1/8: minima are exact in f16 with the shift and without.
  for (const [i, x] of keys.data.entries()) keys.data[i] = Math.round(8 * x) / 8;
  const shifted = { ...keys, data: keys.data.map((x, i) => x + [64, -32, 0, 16][i % 4]) };
  const options = createKvCache().options.parse({ keys: { bits: 4 }, v: 8, groupSize: 8, residual: 8 });
  const [left, right] = [
    await simulate(options, queries, keys, values),
    await simulate(options, queries, shifted, values),
  ];
  for (const [i, value] of left.data.entries()) expect(right.data[i]).toBeCloseTo(value, 3);
});

test('keys per channel lose less than per token where channels differ, values per token less than per channel where tokens do', () => {
  const { normal } = randomStream('axes');
  const strengths = Array.from({ length: D }, () => Math.abs(normal()) ** 3 + 0.05);
  const entry = (byChannel: boolean): Matrix => ({
    rows: 64,
    columns: D,
    data: Float32Array.from(
      { length: 64 * D },
      (_, i) => normal() * strengths[byChannel ? i % D : Math.floor(i / D) % D],
    ),
  });
  const p = { length: 64, headDimension: D, sinks: 0 };
  const loss = (entries: Matrix, axis: 'channel' | 'token') => {
    const aged = ageEntries(entries, { grid: { kind: 'int', bits: 2 }, axis, groupSize: D }, p, kernels);
    return entries.data.reduce((sum, x, i) => sum + (x - aged.data[i]) ** 2, 0);
  };
  expect(loss(entry(true), 'channel')).toBeLessThan(0.8 * loss(entry(true), 'token'));
  expect(loss(entry(false), 'token')).toBeLessThan(0.8 * loss(entry(false), 'channel'));
});
