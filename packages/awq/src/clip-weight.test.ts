import { randomStream, tableGrid } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { clipWeight } from './clip-weight.ts';
import { outputErrors, statisticsOf } from './float64-oracle.ts';

const kernels = createReferenceKernels();
// Integers would put the ends of a range that is cut on both sides exactly between two codes.
const levels = [-1, -0.6, -0.3, -0.1, 0, 0.2, 0.5, 1];
const grid = tableGrid({ name: 'test', levels, scaleType: 'f32' });
const [ROWS, COLUMNS, GROUP] = [20, 32, 16];

function problem() {
  const { normal } = randomStream('clip');
  // A cube of a normal number has long tails.
  const matrix = (rows: number, power: number): Matrix => ({
    rows,
    columns: COLUMNS,
    data: Float32Array.from({ length: rows * COLUMNS }, () => normal() ** power),
  });
  const activations = matrix(200, 1);
  return { weight: matrix(ROWS, 3), activations, gram: statisticsOf(activations).gram };
}

/** The nearest level of each group's largest magnitude. */
function rounded({ data }: Matrix): Float64Array {
  return Float64Array.from(data, (value, i) => {
    const group = data.subarray(i - (i % GROUP), i - (i % GROUP) + GROUP);
    const largest = Math.max(...group.map(Math.abs));
    return levels.map((level) => level * largest).reduce((a, b) => (Math.abs(value - b) < Math.abs(value - a) ? b : a));
  });
}

/** Columns [from, from + GROUP) of one row, or of all tokens. */
function slice({ rows, columns, data }: Matrix, from: number, first = 0, count = rows): Matrix {
  const part = Float32Array.from({ length: count * GROUP }, (_, i) => {
    return data[(first + Math.floor(i / GROUP)) * columns + from + (i % GROUP)];
  });
  return { rows: count, columns: GROUP, data: part };
}

test('each group is cut where its own part of the output errs least, by brute force; a row that would be worse is not', async () => {
  const { weight, activations, gram } = problem();
  const before = { weight: weight.data.slice(), gram: gram.data.slice() };
  const result = await clipWeight({ weight, gram, grid, groupSize: GROUP, kernels });
  expect({ weight: weight.data, gram: gram.data }).toEqual(before);
  const expected = new Float32Array(weight.data);
  for (let r = 0; r < ROWS; r++)
    for (let from = 0; from < COLUMNS; from += GROUP) {
      const part = slice(weight, from, r, 1);
      const tokens = slice(activations, from);
      const largest = Math.max(...part.data.map(Math.abs));
      const cut = (i: number) => part.data.map((w) => Math.sign(w) * Math.min(Math.abs(w), largest * (1 - i / 20)));
      const errors = Array.from({ length: 10 }, (_, i) => {
        return outputErrors(part, rounded({ ...part, data: cut(i) }), tokens)[0];
      });
      expected.set(cut(errors.indexOf(Math.min(...errors))), r * COLUMNS + from);
    }
  const plain = outputErrors(weight, rounded(weight), activations);
  const clipped = outputErrors(weight, rounded({ ...weight, data: expected }), activations);
  const kept = [...plain.keys()].filter((r) => clipped[r] > plain[r]);
  for (const r of kept) expected.set(weight.data.subarray(r * COLUMNS, (r + 1) * COLUMNS), r * COLUMNS);
  expect(kept.length).toBeGreaterThan(0);
  for (const [i, value] of result.weight.data.entries()) expect(value).toBeCloseTo(expected[i], 5);
  const total = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);
  expect(result.unclippedLoss / total(plain)).toBeCloseTo(1, 4);
  expect(result.loss / total(plain.map((error, r) => Math.min(error, clipped[r])))).toBeCloseTo(1, 4);
  expect(result.clipped).toBeGreaterThan(0.3);
});

test('exempt rows stay', async () => {
  const { weight, gram } = problem();
  const exempt = Uint8Array.from({ length: ROWS }, (_, r) => r % 2);
  const { weight: clipped } = await clipWeight({ weight, gram, grid, groupSize: GROUP, exempt, kernels });
  const rowOf = ({ data }: Matrix, r: number) => [...data.subarray(r * COLUMNS, (r + 1) * COLUMNS)];
  for (let r = 1; r < ROWS; r += 2) expect(rowOf(clipped, r)).toEqual(rowOf(weight, r));
  expect(rowOf(clipped, 0)).not.toEqual(rowOf(weight, 0));
});

test('a scale of the whole weight has one range for all', async () => {
  const { weight, gram } = problem();
  const {
    weight: clipped,
    loss,
    unclippedLoss,
  } = await clipWeight({ weight, gram, grid, groupSize: 'tensor', kernels });
  const largest = Math.max(...clipped.data.map(Math.abs));
  expect(largest).toBeLessThan(Math.max(...weight.data.map(Math.abs)));
  for (const [i, value] of weight.data.entries())
    expect(clipped.data[i]).toBe(Math.sign(value) * Math.min(Math.abs(value), largest));
  expect(loss).toBeLessThan(unclippedLoss);
});
