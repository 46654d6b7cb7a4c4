import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import type { PipelineStep } from '../pipeline/pipeline-step.ts';
import { compress } from './compress.ts';
import type { RunEvent } from './run-event.ts';
import { observeNaively } from './toy/observe-naively.ts';
import { toyQuantize, toyRound, toyScale } from './toy/toy-algorithms.ts';
import { toyCalibration, writeToyFolder } from './toy/toy-folder.ts';
import { toyDense } from './toy/toy-formats.ts';
import { toyModel } from './toy/toy-model.ts';
import { hashFolder, step, toyRequest } from './toy/toy-request.ts';

let folder: string;
let source: string;
let checkpoint: Checkpoint;
let count = 0;
const place = () => join(folder, `output-${count++}`);
const request = (pipeline: readonly PipelineStep[], output = place()) =>
  toyRequest(source, output, { checkpoint, pipeline, format: toyDense });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-float-pass-'));
  source = join(folder, 'model');
  await writeToyFolder(source);
  checkpoint = await openCheckpoint(source);
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

/** How often the forward pass of each block was started. */
async function opened(pipeline: readonly PipelineStep[]): Promise<number[]> {
  const base = await request(pipeline);
  const times = new Map<string, number>();
  const open: typeof base.model.open = (section, weights, kernels) => {
    times.set(section.name, (times.get(section.name) ?? 0) + 1);
    return base.model.open(section, weights, kernels);
  };
  await compress({ ...base, model: { ...base.model, open } });
  return ['blocks.0', 'blocks.1'].map((name) => times.get(name) ?? 0);
}

test('where transforms alone observe, they see the float model, and data goes through it once', async () => {
  const observed: { site: string; mean: Float32Array }[] = [];
  const spy = {
    ...step(toyScale),
    algorithm: {
      ...toyScale,
      observes: () => ['mean' as const],
      async section({ statistics }: Parameters<NonNullable<typeof toyScale.section>>[0]) {
        for (const [site, { mean }] of statistics) if (site.startsWith('blocks')) observed.push({ site, mean: mean! });
      },
    },
  } as PipelineStep;
  await compress(await request([spy, step(toyRound)]));
  const expected = await observeNaively(toyModel(), checkpoint, toyCalibration().sequences, createReferenceKernels());
  const blocks = expected.filter(({ site }) => site.startsWith('blocks'));
  expect(observed.map(({ site }) => site)).toEqual(blocks.map(({ site }) => site));
  for (const [i, { mean }] of observed.entries())
    for (const [c, value] of blocks[i].mean.entries()) expect(mean[c]).toBeCloseTo(value, 5);

  expect(await opened([step(toyScale), step(toyRound)])).toEqual([1, 1]);
  // What observes at sites must see what was made of the Linears before.
  expect(await opened([step(toyScale), step(toyQuantize)])).toEqual([2, 2]);
});

test.each([
  ['one transform', [step(toyScale), step(toyRound)]],
  ['two, of which the first observes too', [step(toyScale), step(toyScale), step(toyRound)]],
  ['a transform and no quantizer', [step(toyScale)]],
])('interrupted with %s, a run goes on and ends with the same bytes', async (_name, pipeline) => {
  const whole = place();
  await compress(await request(pipeline, whole));
  const output = place();
  const abort = new AbortController();
  const onEvent = (event: RunEvent) => event.type === 'section' && event.section === 'blocks.0' && abort.abort();
  const first = compress({ ...(await request(pipeline, output)), onEvent, signal: abort.signal });
  await expect(first).rejects.toThrow('aborted');
  await compress(await request(pipeline, output));
  expect(await hashFolder(output)).toEqual(await hashFolder(whole));
});
