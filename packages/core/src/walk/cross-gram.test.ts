import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { compress } from './compress.ts';
import { loadSection } from './load-section.ts';
import type { CompressRequest } from './request.ts';
import type { RunEvent } from './run-event.ts';
import { runLinears, stageInput } from './run-section.ts';
import { toyQuantize, toyScale } from './toy/toy-algorithms.ts';
import { toyCalibration, writeToyFolder } from './toy/toy-folder.ts';
import { toyDense } from './toy/toy-formats.ts';
import { toyModel } from './toy/toy-model.ts';
import { hashFolder, step, toyRequest } from './toy/toy-request.ts';

const kernels = createReferenceKernels();
const calibration = toyCalibration(300);
let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-cross-'));
  await writeToyFolder(join(folder, 'model'));
  checkpoint = await openCheckpoint(join(folder, 'model'));
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

/** Quantizes by what was observed, the deviation from the float model included, and tells it. */
function pairing(told: Map<string, Matrix | undefined> = new Map()) {
  return step({
    ...toyQuantize,
    observes: () => ['mean', 'crossGram'] as const,
    site(context, options) {
      const { crossGram } = context.statistics;
      told.set(context.site.name, crossGram);
      const move = options.move + (crossGram?.data[1] ?? 0);
      return toyQuantize.site!(context, { ...options, move });
    },
  });
}

const request = (output: string, change: Partial<CompressRequest>) =>
  toyRequest(join(folder, 'model'), join(folder, output), { checkpoint, calibration, format: toyDense, ...change });

/** What every site of a checkpoint's blocks is fed, all tokens at once. */
async function inputs(from: Checkpoint): Promise<Map<string, Matrix>> {
  const model = toyModel();
  const tokens = Uint32Array.from(calibration.sequences.flatMap((sequence) => [...sequence]));
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: 300, length: 16, tokens, hidden, state: new Map() };
  const found = new Map<string, Matrix>();
  for (const section of model.sections.filter(({ kind }) => kind !== 'head')) {
    const weights = await loadSection(from, section, kernels);
    const program = model.open(section, weights, kernels);
    await program.embed?.(batch);
    for (const stage of program.stages) {
      const input = await stageInput(stage, weights, batch, kernels);
      found.set(stage.site.name, { ...input, data: input.data.slice() });
      await stage.output(batch, await runLinears(stage.site, input, weights, kernels));
    }
    batch.state.clear();
  }
  return found;
}

test('is of the float model and of the compressed one at the same site, and of experts there is none', async () => {
  const told = new Map<string, Matrix | undefined>();
  await compress(await request('whole', { pipeline: [pairing(told)] }));
  const output = await openCheckpoint(join(folder, 'whole'));
  const [float, seen] = [await inputs(checkpoint), await inputs(output)];
  await output.close();
  const deviations: number[] = [];
  for (const [site, crossGram] of told) {
    if (site.endsWith('expert')) {
      expect(crossGram).toBeUndefined();
      continue;
    }
    const [x, z] = [float.get(site)!, seen.get(site)!];
    const n = x.columns;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let t = 0; t < x.rows; t++) sum += (x.data[t * n + i] - z.data[t * n + i]) * z.data[t * n + j];
        expect(crossGram!.data[i * n + j]).toBeCloseTo(sum / x.rows, 3);
        deviations.push(Math.abs(sum / x.rows));
      }
  }
  expect(told.get('blocks.0.input')!.data.every((value) => value === 0)).toBe(true);
  expect(Math.max(...deviations)).toBeGreaterThan(0.05);
});

test.each([
  ['', []],
  [' after a transform that observes', [step(toyScale)]],
])('a run that was stopped goes on with both models and ends with the same bytes%s', async (name, before) => {
  const change = { pipeline: [...before, pairing()] };
  await compress(await request(`uninterrupted${name}`, change));
  const abort = new AbortController();
  const onEvent = (event: RunEvent) => event.type === 'site' && event.site === 'blocks.1.inner' && abort.abort();
  const stopped = await request(`resumed${name}`, { ...change, onEvent, signal: abort.signal });
  await expect(compress(stopped)).rejects.toThrow();
  const { run } = await compress(await request(`resumed${name}`, change));
  expect(run.resumedSections).toBe(2);
  expect(await hashFolder(join(folder, `resumed${name}`))).toEqual(
    await hashFolder(join(folder, `uninterrupted${name}`)),
  );
});
