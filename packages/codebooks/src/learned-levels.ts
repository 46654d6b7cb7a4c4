import { type Grid, type LearnRequest, tableGrid } from '@compress/core';
import { kMeansWithZero, type Samples } from './mathematics/k-means.ts';

/** More samples are gathered in that many cells, whose means and weights stand for them. */
const CELLS = 512;

/**
 * Levels by weighted k-means over all weights divided by their group's scale, 0 among them: the exact optimum for the first 512 different
 * numbers, and for more the optimum whose cells end at multiples of 1/256. The error of a weight counts as in the weight itself, by
 * scale^2, and with `scales: hessian` times what an error of its column costs.
 */
export function kMeansGrid(bits: number): Grid {
  return {
    ...example(`kmeans${bits}`, bits),
    learn: (request) => {
      const rows = Array.from({ length: request.weight.rows }, (_, r) => r);
      return { kind: 'table', levels: learnLevels(request, rows, 2 ** bits) };
    },
  };
}

/**
 * The same with levels of each row's own (any4, Elhoushi and Johnson, 2025). Unlike there groups are scaled by their absmax, without an offset, 0 is always a level, and
 * activations count by their squares.
 */
export function anyGrid(bits: number): Grid {
  return {
    ...example(`any${bits}`, bits),
    learn: (request) => {
      const { rows } = request.weight;
      const columns = 2 ** bits;
      const data = new Float32Array(rows * columns);
      for (let r = 0; r < rows; r++) data.set(learnLevels(request, [r], columns), r * columns);
      return { kind: 'tables', levels: { rows, columns, data } };
    },
  };
}

/** What it is before it has learned: even steps. */
function example(name: string, bits: number): Grid {
  const zero = 2 ** (bits - 1) - 1;
  const levels = Array.from({ length: 2 ** bits }, (_, i) => (i - zero) / (zero + 1));
  return tableGrid({ name, levels, reach: 1 });
}

function learnLevels(request: LearnRequest, rows: readonly number[], count: number): Float32Array {
  const centres = [...new Set(kMeansWithZero(gatherSamples(request, rows), count).map(Math.fround))];
  const last = Math.max(centres[centres.length - 1], 1);
  // A row with fewer different weights than levels has room to spare beyond its range.
  return Float32Array.from({ length: count }, (_, i) => centres[i] ?? last + 1 + i - centres.length);
}

function gatherSamples({ weight, scales, importance }: LearnRequest, rows: readonly number[]): Samples {
  const { columns, data } = weight;
  const values = new Float64Array(rows.length * columns);
  const weights = new Float64Array(rows.length * columns);
  for (const [i, r] of rows.entries())
    for (let c = 0; c < columns; c++) {
      const scale = scales.scales[r * scales.groups + scales.group[c]];
      values[i * columns + c] = data[r * columns + c] / scale;
      weights[i * columns + c] = scale * scale * (importance?.[c] ?? 1);
    }
  return values.length > CELLS ? inCells(values, weights) : inOrder(values, weights);
}

function inOrder(values: Float64Array, weights: Float64Array): Samples {
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  return { values: Float64Array.from(order, (i) => values[i]), weights: Float64Array.from(order, (i) => weights[i]) };
}

/** Cells are even steps of [-1, 1], beyond which only the rounding of scales takes a value; a cell of no weight is left out. */
function inCells(values: Float64Array, weights: Float64Array): Samples {
  const [weight, sum] = [new Float64Array(CELLS), new Float64Array(CELLS)];
  for (let i = 0; i < values.length; i++) {
    const cell = Math.min(Math.max(Math.floor(((values[i] + 1) / 2) * CELLS), 0), CELLS - 1);
    weight[cell] += weights[i];
    sum[cell] += weights[i] * values[i];
  }
  const filled = Uint32Array.from(weight.keys()).filter((cell) => weight[cell] > 0);
  return {
    values: Float64Array.from(filled, (cell) => sum[cell] / weight[cell]),
    weights: Float64Array.from(filled, (cell) => weight[cell]),
  };
}
