import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFloat32 } from '@compress/core';
import { openGguf, openModelCheckpoint } from '@compress/formats';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_MODEL, demoTexts } from './demo-model.ts';
import { EXIT } from './exit-codes.ts';
import type { Progress } from './progress/progress.ts';
import { runInFolder } from './run-cli.test.fixture.ts';

const kernels = createReferenceKernels();
const BUDGET = 4;
const CHOICES = ['int3-asym', 'int4', 'int6', 'int8'];

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-mixed-'));
  await writeFile(join(directory, 'text.txt'), (await demoTexts()).calibration.slice(0, 6_000));
  for (const [name, format] of [
    ['mixed', 'compressed-tensors'],
    ['resumed', 'compressed-tensors'],
    ['floats', 'dense'],
    ['refused', 'gptq'],
  ])
    await writeFile(
      join(directory, `${name}.yaml`),
      `model: ${DEMO_MODEL}
output: ./${name}
calibration: { text: ./text.txt, samples: 4, length: 64 }
pipeline:
  - gptq: { budget: { bitsPerWeight: ${BUDGET}, choices: [${CHOICES}], weigh: loss }, groupSize: 64 }
format: ${format}
`,
    );
  expect(await cli(['run', 'mixed.yaml'])).toMatchObject({ code: EXIT.ok });
});
afterAll(() => rm(directory, { recursive: true }));

function cli(
  args: readonly string[],
  update: (shown: Parameters<Progress['update']>[0], stop: () => void) => void = () => {},
) {
  const stop = new AbortController();
  return runInFolder(directory, [...args, '--threads', '1'], {
    signal: stop.signal,
    progress: { update: (shown) => update(shown, () => stop.abort()) },
  });
}

const fileOf = (name: string, file: string) => readFile(join(directory, name, file));
const configurationOf = async (name: string) =>
  JSON.parse(String(await fileOf(name, 'config.json'))).quantization_config;

test('compressed-tensors holds what a budget dealt out, and tells readers which Linear is on which grid', async () => {
  const { config_groups: groups } = await configurationOf('mixed');
  const checkpoint = await openModelCheckpoint(join(directory, 'mixed'));
  const floats = join(directory, 'floats');
  expect((await cli(['run', 'floats.yaml'])).code).toBe(EXIT.ok);
  const dense = await openModelCheckpoint(floats);
  const told = new Map<string, number>(
    Object.values<{ targets: string[]; weights: { num_bits: number } }>(groups).flatMap(({ targets, weights }) =>
      targets.map((target) => [`${target}.weight`, weights.num_bits] as const),
    ),
  );
  expect(new Set(told.values()).size).toBeGreaterThan(1);
  expect([...told.keys()].sort()).toEqual([...checkpoint.coded.keys()].sort());
  let bits = 0;
  let weights = 0;
  for (const [name, { grid }] of checkpoint.coded) {
    expect(grid.bits).toBe(told.get(name));
    const [rows, columns] = checkpoint.tensors.get(name)!.shape;
    bits += grid.bits * rows * columns;
    weights += rows * columns;
  }
  expect(bits / weights).toBeLessThan(BUDGET);
  expect(bits / weights).toBeGreaterThan(BUDGET - 1);
  // The first Linears see the same inputs in both runs: the same codes, in floats of 16 bits there.
  for (const name of ['q_proj', 'k_proj', 'v_proj'].map((name) => `model.layers.0.self_attn.${name}.weight`)) {
    const [decoded, float] = [await readFloat32(checkpoint, name, kernels), await readFloat32(dense, name, kernels)];
    for (const [i, value] of decoded.entries())
      if (!(Math.abs(value - float[i]) <= 2 ** -11 * Math.abs(value) + 2 ** -25)) expect(value).toBe(float[i]);
  }
  await Promise.all([checkpoint.close(), dense.close()]);
});

test('a run that was stopped between two sections goes on to the same bytes', async () => {
  let surveyed = false;
  const stopped = await cli(['run', 'resumed.yaml'], ({ label, share }, stop) => {
    surveyed ||= label === 'Surveying' && share === 1;
    if (label === 'Compressing' && share > 0.6) stop();
  });
  expect(stopped.code).toBe(EXIT.interrupted);
  expect(surveyed).toBe(true);
  const { code, log } = await cli(['run', 'resumed.yaml', '--json']);
  expect(code).toBe(EXIT.ok);
  expect(log).toMatch(/Going on from the journal: 4 of 6 sections/);
  for (const file of ['config.json', 'model.safetensors'])
    expect(Buffer.compare(await fileOf('resumed', file), await fileOf('mixed', file))).toBe(0);
});

test('GGUF has a type for each Linear', async () => {
  const { code, stdout } = await cli(['convert', 'mixed', 'mixed.gguf', '--json']);
  expect(code).toBe(EXIT.ok);
  const placed = JSON.parse(stdout).tensors.filter((tensor: { placed: boolean }) => tensor.placed);
  const types = new Set(placed.map(({ type }: { type: string }) => type));
  expect(types.size).toBeGreaterThan(1);
  const [ours, gguf] = [
    await openModelCheckpoint(join(directory, 'mixed')),
    await openGguf(join(directory, 'mixed.gguf')),
  ];
  for (const [one, other] of [
    ['model.layers.0.mlp.down_proj.weight', 'blk.0.ffn_down.weight'],
    ['model.layers.1.mlp.gate_proj.weight', 'blk.1.ffn_gate.weight'],
    ['model.layers.3.self_attn.o_proj.weight', 'blk.3.attn_output.weight'],
  ]) {
    const [values, again] = [await readFloat32(ours, one, kernels), await readFloat32(gguf, other, kernels)];
    const step = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 2 ** 10;
    for (const [i, value] of values.entries()) if (!(Math.abs(value - again[i]) <= step)) expect(again[i]).toBe(value);
  }
  await Promise.all([ours.close(), gguf.close()]);
});

test('the plan refuses a format whose readers take one grid, names them, and says what to choose', async () => {
  const { code, log } = await cli(['run', 'refused.yaml']);
  expect(code).toBe(EXIT.usage);
  expect(log).toMatch(/format gptq \(.*vLLM.*\) take one grid for all Linears.*"compressed-tensors" or "dense"/s);
});
