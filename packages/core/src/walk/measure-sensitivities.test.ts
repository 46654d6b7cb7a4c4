import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { randomStream } from '../random-stream.ts';
import { loadSection } from './load-section.ts';
import { measureSensitivities } from './measure-sensitivities.ts';
import { runSection } from './run-section.ts';
import { toyCalibration, writeToyFolder } from './toy/toy-folder.ts';
import { toyModel } from './toy/toy-model.ts';

const kernels = createReferenceKernels();
const model = toyModel();
const calibration = toyCalibration(8, 16);

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-sensitivities-'));
  await writeToyFolder(folder);
  checkpoint = await openCheckpoint(folder);
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

/** log p of every token of the vocabulary after every token of the windows, in f64; the weight of `layer` with noise of a tenth of its norm. */
async function logProbabilities(windows: readonly Uint32Array[], layer?: string): Promise<number[][]> {
  const tokens = Uint32Array.from(windows.flatMap((window) => [...window]));
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: windows.length, length: windows[0].length, tokens, hidden, state: new Map() };
  for (const section of model.sections) {
    const weights = await loadSection(checkpoint, section, kernels);
    const linear = layer === undefined ? undefined : weights.linears.get(layer);
    if (linear && layer !== undefined) {
      const random = randomStream(3, 'sensitivity', layer);
      const noise = Array.from(linear.weight.data, () => random.normal());
      const norm = (values: Iterable<number>) => Math.hypot(...values);
      const share = (0.1 * norm(linear.weight.data)) / norm(noise);
      const data = linear.weight.data.map((w, i) => w + share * noise[i]);
      weights.linears.set(layer, { ...linear, weight: { ...linear.weight, data } });
    }
    const program = model.open(section, weights, kernels);
    if (section.kind !== 'head') await runSection(program, weights, batch, kernels);
    else {
      const { rows, columns, data } = await model.logits(program, weights, hidden, kernels);
      return Array.from({ length: rows }, (_, r) => {
        const row = [...data.subarray(r * columns, (r + 1) * columns)];
        const logSum = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
        return row.map((z) => z - logSum);
      });
    }
  }
  throw new Error('the model has no head');
}

test('are the mean divergence of all outputs for noise in each Linear, over the squared share of the noise', async () => {
  const found = await measureSensitivities({ model, checkpoint, calibration, kernels, seed: 3 });
  const names = [0, 1].flatMap((b) => ['gate', 'up', 'down', 'expert'].map((name) => `blocks.${b}.${name}`));
  expect([...found.keys()]).toEqual(names);
  const windows = [0, 2, 4, 6].map((i) => calibration.sequences[i]);
  const plain = await logProbabilities(windows);
  for (const name of names) {
    const noisy = await logProbabilities(windows, name);
    const divergence = plain.reduce(
      (sum, row, r) => sum + row.reduce((ofRow, log, v) => ofRow + Math.exp(log) * (log - noisy[r][v]), 0),
      0,
    );
    const expected = divergence / plain.length / 0.01;
    expect(expected).toBeGreaterThan(1e-3);
    expect(found.get(name)! / expected).toBeCloseTo(1, 2);
  }
});
