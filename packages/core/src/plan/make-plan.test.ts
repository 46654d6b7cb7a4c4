import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Survey } from '../algorithm/algorithm.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import type { Grid } from '../grid/grid.ts';
import type { GroupSize } from '../grid/group-size.ts';
import { integerGrid } from '../grid/integer-grid.ts';
import type { Inference } from '../inference/inference.ts';
import { compress } from '../walk/compress.ts';
import { toyPrune, toyQuantize, toyRound, toyScale } from '../walk/toy/toy-algorithms.ts';
import { writeToyFolder } from '../walk/toy/toy-folder.ts';
import { toyCodes, toyDense } from '../walk/toy/toy-formats.ts';
import { toyModel } from '../walk/toy/toy-model.ts';
import { step, toyRequest } from '../walk/toy/toy-request.ts';
import { makePlan } from './make-plan.ts';
import type { PlanRequest } from './plan.ts';
import { PlanError } from './plan-error.ts';

let folder: string;
let source: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-plan-'));
  source = join(folder, 'model');
  await writeToyFolder(source);
  checkpoint = await openCheckpoint(source);
});
afterAll(async () => {
  await checkpoint.close();
  await rm(folder, { recursive: true });
});

function request(change: Partial<PlanRequest> = {}): PlanRequest {
  return {
    model: toyModel(),
    checkpoint,
    source,
    output: join(folder, 'output'),
    pipeline: [step(toyQuantize)],
    format: toyCodes,
    calibration: { sequences: 30, length: 16 },
    kernels: { numerics: 'reference', threads: 1 },
    activationMemory: 1e9,
    ...change,
  };
}

async function problems(change: Partial<PlanRequest>): Promise<string[]> {
  const error = await makePlan(request(change)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PlanError);
  return (error as PlanError).problems.map(({ layer, message }) => `${layer}: ${message}`);
}

test('foretells every Linear, and the sizes that a run makes', async () => {
  const plan = await makePlan(request());
  expect(plan.linears.map(({ layer, algorithms, untouched }) => [layer, algorithms.join(), untouched])).toEqual([
    ...[0, 1].flatMap((b) =>
      ['gate', 'up', 'down', 'expert'].map((name) => [`blocks.${b}.${name}`, 'toy-quantize', undefined]),
    ),
    ['head', '', 'it is the output head'],
  ]);
  // gate: 12 x 8 codes and 12 scales in F32, where there were 12 x 8 F16.
  expect(plan.linears[0]).toMatchObject({ bytesBefore: 192, bytesAfter: 144, bitsPerWeight: 8 });
  expect(plan.lastObserved).toBe(2);
  const output = join(folder, 'foretold');
  const { manifest } = await compress(await toyRequest(source, output, { checkpoint }));
  expect(plan.totals).toMatchObject(manifest.totals);
  const written = await openCheckpoint(output);
  expect([...written.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(
    plan.totals.bytesAfter,
  );
  await written.close();
});

test('counts work, memory and disk', async () => {
  const small = await makePlan(request());
  const more = await makePlan(request({ calibration: { sequences: 3000, length: 16 } }));
  expect(more.work.flops).toBeGreaterThan(50 * small.work.flops);
  // 48000 tokens, 8 channels of the residual stream and 12 of the widest site.
  expect(more.memory.activations).toBe(48000 * 20 * 4);
  expect(more.disk.spill).toBe(0);
  const spilled = await makePlan(request({ calibration: { sequences: 3000, length: 16 }, activationMemory: 1000 }));
  expect(spilled.memory.activations).toBe(1000);
  expect(spilled.disk.spill).toBe(48000 * 20 * 4 - 1000);
  expect(spilled.memory.peak).toBeLessThan(more.memory.peak);
  const rounded = await makePlan(request({ pipeline: [step(toyRound)] }));
  expect(rounded.lastObserved).toBe(-1);
  expect(rounded.memory.activations).toBe(0);
});

test('counts the parts of sections that a transform runs again', async () => {
  const plain = await makePlan(request({ pipeline: [step(toyScale), step(toyQuantize)] }));
  const trying = { ...toyScale, reruns: () => ({ tokens: 40, times: 5 }) };
  const plan = await makePlan(request({ pipeline: [step(trying), step(toyQuantize)] }));
  // 3 sequences of 16 tokens, 5 times, through 352 weights of each of 2 blocks, and what is counted for attention.
  expect(plan.work.flops - plain.work.flops).toBe(2 * 48 * 5 * (2 * 352 + 2 * 16 * 8));
  expect(plan.memory.batch - plain.memory.batch).toBe(4 * 48 * 8 * 4);
});

test('counts one forward pass where transforms alone observe', async () => {
  const rounded = await makePlan(request({ pipeline: [step(toyScale), step(toyRound)] }));
  const alone = await makePlan(request({ pipeline: [step(toyRound)] }));
  // 480 tokens through 352 weights of each of 2 blocks, and what is counted for attention; those of the head, which only reads, are not.
  expect(rounded.work.flops - alone.work.flops).toBe(2 * 480 * (2 * 352 + 2 * 16 * 8));
});

test('counts what a survey does', async () => {
  const plain = await makePlan(request());
  const surveying = (survey: Partial<Survey>) => ({
    ...toyQuantize,
    survey: () => ({ observes: ['gram' as const], section: async () => ({}), ...survey }),
  });
  const weighed = await makePlan(request({ pipeline: [step(surveying({ roundings: 3 }))] }));
  const noisy = await makePlan(request({ pipeline: [step(surveying({ roundings: 3, sensitivities: true }))] }));
  // Of each of 2 blocks: 480 tokens through 352 weights, and what is counted for attention; grams of 2 sites of 8 and 1 of 12; 3 roundings of 8 -> 12 twice, 12 -> 8 and 8 -> 8.
  const forward = 480 * (2 * 352 + 2 * 16 * 8);
  const grams = 2 * 8 ** 2 * (480 + 8) + 12 ** 2 * (480 + 12);
  const roundings = 3 * (2 * 12 * 8 ** 2 + 8 * 12 ** 2 + 8 * 8 ** 2);
  expect(weighed.work.flops - plain.work.flops).toBe(2 * (forward + grams + roundings));
  expect(weighed.memory).toEqual({ ...plain.memory, peak: plain.memory.peak + 100e6 });
  // 64 tokens: 1 + 4 streams in the first block, 10 in the second, 10 at the head with 20 tokens of vocabulary.
  const passes = 64 * (2 * 352 * (5 + 10) + 10 * (2 * 160 + 200 * 20));
  expect(noisy.work.flops - weighed.work.flops).toBe(passes + 30_000 * 2 * 352);
  expect(noisy.memory.statistics - weighed.memory.statistics).toBe(
    2 * (2 * 4 * 5 * 64 * 8 + 64 * 20 * 16) + 8 * 96 + 4 * 352,
  );
});

test('knows which formats hold several grids', async () => {
  const [three, four] = [3, 4].map((bits) => integerGrid({ bits, scaleType: 'f32' }));
  const several = {
    ...toyRound,
    quantization: ({ name, inFeatures }: { name: string; inFeatures: number }) => ({
      grid: name.endsWith('gate') ? three : four,
      groupSize: inFeatures,
    }),
  };
  const pipeline = [step(several)];
  expect(await problems({ pipeline })).toEqual([
    ': Readers of the format toy-codes take one grid for all Linears: give all the same, or choose the format "compressed-tensors" or "dense".',
  ]);
  const limit = (grids: readonly Grid[]) => `Not ${grids.map(({ name }) => name).join(' with ')}.`;
  expect(await problems({ pipeline, format: { ...toyCodes, mixes: { limit } } })).toEqual([': Not int3 with int4.']);
  const mixes = { limit: () => undefined, remark: (grids: readonly Grid[]) => `Some do not read ${grids.length}.` };
  const configuration: typeof toyCodes.configuration = ({ grids }) => ({
    grids: [...grids!].map(([layer, { name }]) => `${layer} ${name}`),
  });
  const plan = await makePlan(request({ pipeline, format: { ...toyCodes, mixes, configuration } }));
  expect(plan.warnings.map(({ message }) => message)).toEqual(['Some do not read 2.']);
  expect(plan.configuration?.grids).toEqual(
    expect.arrayContaining(['blocks.0.gate int3', 'blocks.0.up int4', 'blocks.1.gate int3']),
  );
});

test('names all problems at once', async () => {
  const { calibration: _, ...without } = request({
    pipeline: [step(toyQuantize, { move: 101 }), step(toyRound), step(toyPrune)],
  });
  const error = await makePlan(without).catch((thrown: unknown) => thrown);
  expect((error as PlanError).problems).toHaveLength(4 + 8);
  expect((error as Error).message).toMatchInlineSnapshot(`
    "6 things stand in the way.
      - toy-prune (prune) comes after toy-quantize (quantize), but pruning after it would throw away codes that were chosen to make up for each other; change the order, or write "allowReorder: true".
      - A pipeline can quantize once, but toy-quantize and toy-round both do; keep one of them.
      - toy-prune prunes after the weights became codes, so the format toy-codes has none to store; prune first or choose the format "dense".
      - toy-quantize and toy-prune must see calibration data; add a "calibration" to the recipe.
      - blocks.0.gate and 5 more: A move of 101 is too far for 8 columns.
      - blocks.0.down and 1 more: A move of 101 is too far for 12 columns."
  `);
});

test('knows the order of a pipeline and when it may be another', async () => {
  const pipeline = [step(toyPrune), step(toyScale)];
  expect(await problems({ pipeline, format: toyDense })).toEqual([
    ': toy-scale (transform) comes after toy-prune (prune), but a transform after it would fill the zeros that pruning made; change the order, or write "allowReorder: true".',
  ]);
  await makePlan(request({ pipeline, format: toyDense, allowReorder: true }));
  const codesLost = [step(toyRound), step(toyPrune)];
  await makePlan(request({ pipeline: codesLost, format: toyDense, allowReorder: true }));
  expect(await problems({ pipeline: codesLost, allowReorder: true })).toEqual([
    expect.stringContaining('has none to store'),
  ]);
  expect(await problems({ pipeline: [step(toyPrune)] })).toEqual([
    expect.stringContaining('nothing in the pipeline quantizes'),
  ]);
  expect(await problems({ pipeline: [], format: toyDense })).toEqual([expect.stringContaining('empty')]);
});

test('knows what tensors must be', async () => {
  const spoiled = new Map(checkpoint.tensors);
  spoiled.delete('norm.weight');
  spoiled.set('blocks.0.norm.weight', { ...spoiled.get('blocks.0.norm.weight')!, dtype: 'I16' });
  spoiled.set('blocks.0.down.weight', { ...spoiled.get('blocks.0.down.weight')!, shape: [8, 12] });
  expect(await problems({ checkpoint: { ...checkpoint, tensors: spoiled } })).toEqual([
    expect.stringMatching(/^blocks\.0\.norm\.weight: Its dtype is I16/),
    expect.stringMatching(/^norm\.weight: The tensor is missing/),
    expect.stringMatching(/^blocks\.0\.down\.weight: Its shape is \[8, 12\] but config\.json asks for \[12, 8\]/),
  ]);
});

test('knows what cannot fit', async () => {
  expect(await problems({ calibration: { sequences: 2, length: 65 } })).toEqual([
    expect.stringContaining("65 tokens but the model's context holds 64"),
  ]);
  const memory = await problems({ calibration: { sequences: 1e10, length: 16 }, activationMemory: 1e15 });
  expect(memory).toEqual([expect.stringContaining('of memory are needed')]);
  const disk = await problems({ calibration: { sequences: 1e12, length: 16 }, activationMemory: 0 });
  expect(disk).toEqual([expect.stringContaining('of disk are needed')]);
});

test('warns where a transform prepares for another rounding than the one that follows', async () => {
  const prepares = (own: { grid?: Grid; groupSize?: GroupSize }): typeof toyScale => ({
    ...toyScale,
    prepares: () => own,
  });
  const warnings = async (...steps: PlanRequest['pipeline']) => {
    const plan = await makePlan(request({ pipeline: steps, format: toyDense }));
    return plan.warnings.map(({ algorithm, code, layer, message }) => `${algorithm}: ${code}: ${layer}: ${message}`);
  };
  const [four, three] = [integerGrid({ bits: 4, scaleType: 'f32' }), integerGrid({ bits: 3 })];
  expect(await warnings(step(prepares({})), step(toyRound))).toEqual([]);
  expect(await warnings(step(prepares({ grid: four, groupSize: 'channel' })), step(toyRound))).toEqual([]);
  expect(await warnings(step(prepares({ grid: three, groupSize: 4 })))).toEqual([]);
  expect(await warnings(step(prepares({ grid: three })), step(toyRound))).toEqual([
    'toy-scale: other-rounding: blocks.0.gate: It prepares for int3 with minmax scales, but toy-round rounds to int4 with minmax scales in groups of 8; leave out what differs, and it takes that from toy-round.',
  ]);
  expect(await warnings(step(prepares({ grid: { ...four, scales: 'mse' } })), step(toyRound))).toHaveLength(1);
  expect(await warnings(step(prepares({ groupSize: 4 })), step(toyRound))).toHaveLength(1);
});

test('knows of scales that were calibrated for the model as it is', async () => {
  const site = (scale: number | 'token') => ({
    sites: { 'blocks.1.input': { quantizer: { bits: 8, scale } } },
    attention: {},
  });
  const keys = { grid: { kind: 'fp8' }, axis: 'token', groupSize: 4, scales: [0.5] } as const;
  const cache = {
    sites: {},
    attention: { 'blocks.0': { cache: { keys, keysBeforeRotary: false, window: 0, sinks: 0 } } },
  };
  const carrying = (inference: Inference) => ({ checkpoint: { ...checkpoint, inference }, format: toyDense });
  const pipeline = [step(toyScale)];
  expect(await problems({ ...carrying(site(0.1)), pipeline })).toEqual([
    expect.stringMatching(/^blocks\.1\.input: .* calibrated for .* and toy-scale changes them/),
  ]);
  expect(await problems({ ...carrying(cache), pipeline })).toEqual([
    expect.stringMatching(/^blocks\.0: .* calibrated/),
  ]);
  await makePlan(request({ ...carrying(site('token')), pipeline }));
  await makePlan(request({ ...carrying(site(0.1)), pipeline: [step(toyRound)] }));
});

test('tells the format where groups do not follow the columns', async () => {
  const act: typeof toyRound = {
    ...toyRound,
    quantization: (spec, options) => ({ ...toyRound.quantization!(spec, options)!, reordered: true }),
  };
  const format: typeof toyCodes = {
    ...toyCodes,
    limit: ({ name }, _grid, _groupSize, reordered) => (reordered ? { layer: name, message: 'No index.' } : undefined),
  };
  await makePlan(request({ pipeline: [step(toyRound)], format }));
  expect(await problems({ pipeline: [step(act)], format })).toContain('blocks.0.gate: No index.');
});
