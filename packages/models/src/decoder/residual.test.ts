import { randomStream, type SectionSpec, type SectionWeights } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from '../model-from-config.ts';
import { goldenCases, readGolden } from '../testing/golden.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { runModel } from '../testing/run-model.ts';

/** Rotated weights are rounded to f32 once more. */
const MAX_DIFFERENCE = 1e-4;

const layerNormed = ['gpt2', 'opt', 'gpt_neox', 'gpt_neox-serial'];
const rotatable = goldenCases.filter((name) => !layerNormed.includes(name) && name !== 'gemma3');

test.each(rotatable)(
  '%s: the facts of its sections suffice to rotate stream and heads (QuaRot R1, R2)',
  async (name) => {
    const { config, checkpoint, ...sequences } = await readGolden(name);
    const model = modelFromConfig(config, checkpoint.tensors);
    const kernels = createReferenceKernels();
    const stream = randomRotation(model.hiddenSize, 1);
    const plain = await runModel(model, checkpoint, sequences, kernels);
    const rotated = await runModel(model, checkpoint, sequences, kernels, (section, weights) => {
      rotateHeads(section, weights);
      rotateStream(section, weights, stream);
    });
    await checkpoint.close();
    expect(largestDifference(rotated.data, plain.data)).toBeLessThanOrEqual(MAX_DIFFERENCE);
  },
);

test('what stands in the way of a rotation is told', async () => {
  for (const name of [...layerNormed, 'gemma3']) {
    const { config, checkpoint } = await readGolden(name);
    const [, block] = modelFromConfig(config, checkpoint.tensors).sections;
    await checkpoint.close();
    expect(block.residual!.norms.every((norm) => norm.centers)).toBe(name !== 'gemma3');
    expect(block.residual!.obstacle).toEqual(name === 'gemma3' ? expect.stringContaining('post_attention') : undefined);
  }
});

/** Folds the norms' gains into their readers, then x -> x Q in all that touches the stream. */
function rotateStream({ residual }: SectionSpec, { linears, tensors }: SectionWeights, rotation: Matrix): void {
  for (const { gain, readers } of residual!.norms) {
    const gains = tensors.get(gain)!;
    for (const reader of readers) {
      const { weight } = linears.get(reader)!;
      weight.data.forEach((value, i) => {
        weight.data[i] = value * gains[i % weight.columns];
      });
      weight.data.set(product(weight, rotation));
    }
    gains.fill(1);
  }
  const all = Array.from({ length: rotation.rows }, (_, i) => i);
  for (const writer of residual!.writers) turnRows(linears.get(writer)!, all, rotation);
  for (const table of residual!.tables) {
    const data = tensors.get(table)!;
    data.set(product({ rows: data.length / rotation.rows, columns: rotation.rows, data }, rotation));
  }
}

/** One rotation of every head: rows of the values by its transpose, columns of the output by itself. */
function rotateHeads({ attention, links, sites }: SectionSpec, { linears }: SectionWeights): void {
  if (!attention) return;
  const { heads, keyHeads, headDimension: size } = attention;
  const rotation = randomRotation(size, 2);
  const link = links.find((one) => one.kind === 'linear' && one.site.endsWith('attention_output'));
  if (link?.kind !== 'linear') throw new Error('no link from the values');
  const { weight } = linears.get(sites.find(({ name }) => name === link.site)!.linears[0].name)!;
  for (let head = 0; head < heads; head++) {
    const rows = [...link.rows.subarray(head * size, (head + 1) * size)];
    if (head % (heads / keyHeads) === 0) turnRows(linears.get(link.from)!, rows, rotation);
    for (let r = 0; r < weight.rows; r++) {
      const start = r * weight.columns + head * size;
      const block = weight.data.subarray(start, start + size);
      block.set(product({ rows: 1, columns: size, data: block }, rotation));
    }
  }
}

/** Of the rows picked: W -> Q^T W and b -> Q^T b. */
function turnRows(linear: { weight: Matrix; bias?: Float32Array }, rows: readonly number[], rotation: Matrix): void {
  const { data, columns } = linear.weight;
  const turn = (at: (row: number) => number, array: Float32Array) => {
    const picked = Float32Array.from(rows, (row) => array[at(row)]);
    const turned = product({ rows: 1, columns: rows.length, data: picked }, rotation);
    rows.forEach((row, i) => {
      array[at(row)] = turned[i];
    });
  };
  for (let c = 0; c < columns; c++) turn((row) => row * columns + c, data);
  if (linear.bias) turn((row) => row, linear.bias);
}

function product(left: Matrix, right: Matrix): Float32Array {
  return Float32Array.from({ length: left.rows * right.columns }, (_, i) => {
    const [r, c] = [Math.floor(i / right.columns), i % right.columns];
    let sum = 0;
    for (let k = 0; k < left.columns; k++) sum += left.data[r * left.columns + k] * right.data[k * right.columns + c];
    return sum;
  });
}

/** Gram-Schmidt, twice, of a random matrix. */
function randomRotation(size: number, seed: number): Matrix {
  const random = randomStream(seed);
  const rows: number[][] = [];
  for (let r = 0; r < size; r++) {
    let row = Array.from({ length: size }, () => random.normal());
    for (const other of [...rows, ...rows]) {
      const overlap = row.reduce((sum, value, i) => sum + value * other[i], 0);
      row = row.map((value, i) => value - overlap * other[i]);
    }
    const norm = Math.hypot(...row);
    rows.push(row.map((value) => value / norm));
  }
  return { rows: size, columns: size, data: Float32Array.from(rows.flat()) };
}
