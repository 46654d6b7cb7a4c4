import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { readManifest, verifyFolder } from '../manifest/verify-folder.ts';
import { batchSizes } from './calibration-data.ts';
import { compress } from './compress.ts';
import { workFolder } from './output-folder.ts';
import type { CompressRequest } from './request.ts';
import type { RunEvent } from './run-event.ts';
import { observeNaively } from './toy/observe-naively.ts';
import { toyPrune, toyQuantize, toyRound, toyScale } from './toy/toy-algorithms.ts';
import { toyCalibration, toyTensors, writeToyFolder } from './toy/toy-folder.ts';
import { toyCodes, toyDense } from './toy/toy-formats.ts';
import { toyModel } from './toy/toy-model.ts';
import { hashFolder, step, toyRequest } from './toy/toy-request.ts';

const kernels = createReferenceKernels();
let folder: string;
let source: string;
let count = 0;
const opened = new Map<string, Checkpoint>();

/** The tests share what they open, and close it at the end. */
async function open(from: string): Promise<Checkpoint> {
  const checkpoint = opened.get(from) ?? (await openCheckpoint(from));
  opened.set(from, checkpoint);
  return checkpoint;
}

async function request(from: string, output: string, change: Partial<CompressRequest> = {}): Promise<CompressRequest> {
  return toyRequest(from, output, { checkpoint: await open(from), ...change });
}
const place = () => join(folder, `output-${count++}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-walk-'));
  source = join(folder, 'model');
  await writeToyFolder(source);
});
afterAll(async () => {
  for (const checkpoint of opened.values()) await checkpoint.close();
  await rm(folder, { recursive: true });
});

describe('a run', () => {
  test('writes a whole folder and leaves nothing beside it', async () => {
    const output = place();
    const { manifest } = await compress(await request(source, output));
    expect((await readdir(output)).sort()).toEqual([
      'config.json',
      'manifest.json',
      'model.safetensors',
      'run.json',
      'tokenizer.json',
      'toy_config.json',
    ]);
    expect(existsSync(workFolder(output))).toBe(false);
    expect(await readManifest(output)).toEqual(manifest);
    expect((await verifyFolder(output)).mismatches).toEqual([]);
    const config = await readFile(join(output, 'config.json'), 'utf8');
    expect(config).toContain('"epsilon": 1e-05');
    expect(config).toContain('"theta": 10000.0');
    expect(JSON.parse(config).quantization_config).toMatchObject({ quant_method: 'toy', group_size: -1 });
    expect(manifest.layers.map(({ layer }) => layer)).toEqual(
      [0, 1].flatMap((b) => ['gate', 'up', 'down', 'expert'].map((name) => `blocks.${b}.${name}`)),
    );
    expect(manifest.untouched).toEqual([{ layer: 'head', reason: 'it is the output head' }]);
  });

  test('puts codes in the place of weights and leaves every other tensor as it was', async () => {
    const output = place();
    await compress(await request(source, output));
    const [before, after] = [await open(source), await open(output)];
    const touched = /^blocks\.\d\.(gate|up|down|expert)\.weight$/;
    const expected = toyTensors().flatMap(({ name }) =>
      touched.test(name) ? [`${name}.codes`, `${name}.scales`] : [name],
    );
    expect([...after.tensors.keys()].sort()).toEqual(expected.sort());
    for (const name of expected.filter((name) => before.tensors.has(name)))
      expect(await after.read(name)).toEqual(await before.read(name));
  });

  test.each([
    { name: 'codes', format: toyCodes, pipeline: [step(toyQuantize)] },
    { name: 'dense', format: toyDense, pipeline: [step(toyPrune), step(toyQuantize)] },
    { name: 'transformed', format: toyDense, pipeline: [step(toyScale), step(toyPrune)] },
    { name: 'transformed codes', format: toyCodes, pipeline: [step(toyScale), step(toyQuantize)] },
  ])('observes what a reader of the output computes ($name)', async ({ format, pipeline }) => {
    const output = place();
    const calibration = toyCalibration(300);
    const observed: { site: string; mean: Float32Array }[] = [];
    const spy = {
      ...pipeline.at(-1)!,
      algorithm: {
        ...pipeline.at(-1)!.algorithm,
        observes: () => ['mean' as const, 'squares' as const],
        site: (...[context, options]: Parameters<NonNullable<typeof toyQuantize.site>>) => {
          observed.push({ site: context.site.name, mean: context.statistics.mean! });
          return pipeline.at(-1)!.algorithm.site!(context, options);
        },
      },
    };
    await compress(
      await request(source, output, {
        calibration,
        format,
        pipeline: [...pipeline.slice(0, -1), spy] as typeof pipeline,
      }),
    );
    // The whole output, run from the start on one batch of everything: a site's input hangs only on Linears before it.
    const { quantization_config } = JSON.parse(await readFile(join(output, 'config.json'), 'utf8'));
    const written = await format.open(await open(output), quantization_config);
    const expected = await observeNaively(toyModel(), written, calibration.sequences, kernels);
    expect(observed.map(({ site }) => site)).toEqual(expected.map(({ site }) => site));
    for (const [i, { mean }] of observed.entries())
      for (const [c, value] of expected[i].mean.entries()) expect(mean[c]).toBeCloseTo(value, 5);
  });

  test('without anything to observe opens no section and needs no calibration', async () => {
    const model = {
      ...toyModel(),
      open() {
        throw new Error('a forward pass was started');
      },
    };
    const { calibration: _, ...whole } = await request(source, place(), { model, pipeline: [step(toyRound)] });
    const { manifest } = await compress(whole);
    expect(manifest.calibration).toBeNull();
    expect(manifest.layers).toHaveLength(8);
  });

  test('is the same bytes with all activations on disk', async () => {
    const [one, two] = [place(), place()];
    await compress(await request(source, one, { calibration: toyCalibration(300) }));
    const { run } = await compress(
      await request(source, two, { calibration: toyCalibration(300), activationMemory: 0 }),
    );
    expect(batchSizes(300, 16)).toEqual([128, 128, 44]);
    expect(run.activations).toMatchObject({ memory: 0 });
    expect(run.activations.spilled).toBeGreaterThan(300 * 16 * 4);
    expect(await hashFolder(two)).toEqual(await hashFolder(one));
  });

  test('tells what it does in order', async () => {
    const events: RunEvent[] = [];
    await compress(await request(source, place(), { onEvent: (event) => events.push(event) }));
    expect(events[0]).toEqual({ type: 'start', sections: 4, linears: 8, resumedSections: 0 });
    const sections = events.filter((event) => event.type === 'section');
    expect(sections.map(({ section, done }) => [section, done])).toEqual([
      ['embedding', 1],
      ['blocks.0', 2],
      ['blocks.1', 3],
      ['head', 4],
    ]);
    expect(sections[0].secondsLeft).toBeUndefined();
    expect(sections[1].secondsLeft).toBeGreaterThan(0);
    expect(sections[3].secondsLeft).toBe(0);
    const sites = events.filter((event) => event.type === 'site');
    expect(sites.slice(0, 3).map(({ site }) => site)).toEqual(['blocks.0.input', 'blocks.0.inner', 'blocks.0.expert']);
    expect(sites[0].tokens).toBe(480);
    expect(sites[2].tokens).toBeLessThan(480);
    expect(events.at(-1)!.type).toBe('end');
  });
});

describe('a run is refused', () => {
  test('by strict, at the first warning', async () => {
    const whole = await request(source, place(), { pipeline: [step(toyQuantize, { warn: true })] });
    expect((await compress(whole)).manifest.warnings).toHaveLength(6);
    await expect(compress({ ...whole, output: place(), strict: true })).rejects.toMatchObject({
      code: 'strict-warning',
    });
  });

  test('when a weight is not a number, naming it', async () => {
    const broken = place();
    await writeToyFolder(broken, (name, values) =>
      name === 'blocks.1.up.weight' ? values.fill(Number.NaN, 7, 8) : values,
    );
    await expect(compress(await request(broken, place()))).rejects.toMatchObject({
      code: 'tensor-not-finite',
      place: { tensor: 'blocks.1.up.weight' },
    });
  });

  test('when the output folder is not ours, or holds more than we wrote, or is the model', async () => {
    const output = place();
    await mkdir(output);
    await writeFile(join(output, 'thesis.tex'), '');
    await expect(compress(await request(source, output))).rejects.toThrow(/not an output of this program/);
    await rm(join(output, 'thesis.tex'));
    await compress(await request(source, output));
    await compress(await request(source, output));
    await writeFile(join(output, 'thesis.tex'), '');
    await expect(compress(await request(source, output))).rejects.toThrow(/thesis\.tex/);
    await expect(compress(await request(source, source))).rejects.toThrow(/model's own/);
  });

  test('when a transform makes two things of a tied tensor', async () => {
    const twist = {
      ...toyScale,
      observes: () => [],
      async section({ section, weights }: Parameters<NonNullable<typeof toyScale.section>>[0]) {
        const table = weights.tensors.get('embed.weight');
        if (section.kind === 'embedding')
          weights.tensors.set(
            'embed.weight',
            table!.map((x) => 2 * x),
          );
      },
    };
    const whole = await request(source, place(), { pipeline: [step(twist)], format: toyDense });
    await expect(compress(whole)).rejects.toMatchObject({ code: 'tied-tensor', place: { tensor: 'embed.weight' } });
  });
});
