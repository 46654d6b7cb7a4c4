import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_MODEL, demoTexts } from './demo-model.ts';
import { EXIT } from './exit-codes.ts';
import { runInFolder } from './run-cli.test.fixture.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-compositions-'));
  await writeFile(join(directory, 'text.txt'), (await demoTexts()).evaluation.slice(0, 6_000));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs a pipeline of these steps on the demo model and measures before and after. */
async function run(name: string, steps: readonly string[], more = '') {
  const recipe = join(directory, `${name}.yaml`);
  await writeFile(
    recipe,
    `model: ${DEMO_MODEL}
output: ./${name}
calibration: { text: ./text.txt, samples: 4, length: 64 }
pipeline:
${steps.map((step) => `  - ${step}`).join('\n')}
${more}evaluate:
  perplexity: { text: ./text.txt, context: 64, windows: 4 }
`,
  );
  const { code, log, json } = await runInFolder(directory, ['run', recipe, '--json', '--threads', '1']);
  return { code, log, result: code === EXIT.ok ? json() : undefined };
}

/** The perplexity of the output over that of the input. */
function loss({ result }: Awaited<ReturnType<typeof run>>): number {
  const [{ before, after }] = result.evaluations;
  return after.perplexity / before.perplexity;
}

// Rounding to few bits after so short a calibration costs something, and less than this.
test.each([
  ['hadamard', 'hadamard: { rotations: [R1, R2] }', 1.001],
  ['smoothquant', 'smoothquant: { alpha: 0.5 }', 1.02],
  ['awq', 'awq: { clip: true }', 1.1],
  ['sparsegpt', 'sparsegpt: { sparsity: 0.5 }', 1.5],
  ['pattern', 'sparsegpt: { pattern: "2:4", criterion: wanda }', 1.5],
  ['gptq', 'gptq: { grid: nf4, groupSize: 64, scales: hessian, polish: { sweeps: 2 } }', 1.1],
  ['rtn', 'rtn: { grid: int8, groupSize: channel, activations: { grid: int8, per: token } }', 1.02],
  [
    'kv-cache',
    'kv-cache: { keys: { bits: 4, per: channel }, values: { bits: 4, per: token }, groupSize: 32, residual: 32 }',
    1.02,
  ],
  ['calibrated-cache', 'kv-cache: { keys: { grid: fp8, scales: head }, values: { grid: fp8, scales: tensor } }', 1.02],
])('one step: %s', async (name, step, bound) => {
  const outcome = await run(name, [step]);
  expect(outcome).toMatchObject({ code: EXIT.ok });
  expect(loss(outcome)).toBeGreaterThan(0.97);
  expect(loss(outcome)).toBeLessThan(bound);
});

test('hadamard -> sparsegpt 2:4 -> gptq nf4 -> kv-cache', async () => {
  const outcome = await run('all', [
    'hadamard: { rotations: [R1, R2] }',
    'sparsegpt: { pattern: "2:4" }',
    'gptq: { grid: nf4, groupSize: 64, scales: hessian, polish: { sweeps: 1 } }',
    'kv-cache: { keys: { bits: 4 }, values: { bits: 4 } }',
  ]);
  expect(outcome).toMatchObject({ code: EXIT.ok });
  expect(loss(outcome)).toBeLessThan(1.6);
  const { layers } = outcome.result;
  expect(new Set(layers.map(({ algorithm }: { algorithm: string }) => algorithm))).toEqual(
    new Set(['hadamard', 'sparsegpt', 'gptq']),
  );
  const inference = JSON.parse(await readFile(join(directory, 'all', 'inference.json'), 'utf8'));
  expect(Object.keys(inference.attention)).toHaveLength(4);
});

test('a budget of bits is kept, the plan tells what it can, and formats of one grid refuse it', async () => {
  const step = 'rtn: { budget: { bitsPerWeight: 3.5, choices: [int2-asym, int3-asym, int4-asym, int6-asym] } }';
  const outcome = await run('budget', [step]);
  expect(outcome).toMatchObject({ code: EXIT.ok });
  expect(loss(outcome)).toBeLessThan(1.3);
  const bits: number[] = outcome.result.layers.map(({ bitsPerWeight }: { bitsPerWeight: number }) => bitsPerWeight);
  expect(new Set(bits).size).toBeGreaterThan(1);
  expect(outcome.result.bitsPerWeight).toBe(3.5);
  const packed = await run('packed', [step], 'format: gptq\n');
  expect(packed).toMatchObject({ code: EXIT.usage, log: expect.stringContaining('one grid') });
});

test('activations of a quantizer take the place of those of smoothquant', async () => {
  const outcome = await run('activations', [
    'smoothquant: { alpha: 0.5 }',
    'rtn: { grid: int8, groupSize: channel, activations: { grid: int4, per: tensor } }',
  ]);
  expect(outcome).toMatchObject({ code: EXIT.ok });
  const { sites } = JSON.parse(await readFile(join(directory, 'activations', 'inference.json'), 'utf8'));
  for (const { quantizer } of Object.values<{ quantizer: unknown }>(sites))
    expect(quantizer).toEqual({ bits: 4, scale: expect.any(Number) });
});

test('an order that makes no sense, and scales that contradict the grid, are told', async () => {
  const order = await run('order', ['gptq: { grid: int4 }', 'sparsegpt: { sparsity: 0.5 }']);
  expect(order).toMatchObject({ code: EXIT.usage, log: expect.stringContaining('would throw away codes') });
  const scales = await run('scales', ['gptq: { grid: { bits: 4, scales: mse }, scales: hessian }']);
  expect(scales.log).toMatch(
    /scales\.yaml:5:\d+: pipeline\[0\]\.gptq\.scales is hessian, but the grid itself says mse/,
  );
});
