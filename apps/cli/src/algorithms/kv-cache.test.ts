import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Algorithm,
  type CompressRequest,
  compress,
  loadSection,
  type PipelineStep,
  readInference,
  runSection,
} from '@compress/core';
import { dense } from '@compress/formats';
import { gptq } from '@compress/gptq';
import { createReferenceKernels } from '@compress/kernels';
import { kvCache } from '@compress/kv-cache';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { goldenFolder, openGolden } from '../golden.test.fixture.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-kv-cache-'));
  await writeFile(join(folder, 'text.txt'), (await demoTexts()).evaluation.slice(0, 80_000));
});
afterAll(() => rm(folder, { recursive: true }));

const cli = (args: string[]) => runInFolder(folder, args);

/** On `windows` of 512 tokens, which is all that the demo model can see: what is old matters there. */
async function perplexity(model: string, cache?: string, windows = 1): Promise<number> {
  const text = ['--text', './text.txt', '--context', '512', '--windows', `${windows}`, '--json', '--threads', '1'];
  const { code, stdout, log } = await cli(['eval', model, ...text, ...(cache === undefined ? [] : ['--cache', cache])]);
  if (code !== 0) throw new Error(log + stdout);
  return JSON.parse(stdout).perplexity;
}

test('eval: 8 bits and FP8 are nearly floats; keys per channel beat keys per token, values the other way round', async () => {
  const measure = (cache?: string) => perplexity(DEMO_MODEL, cache, 12);
  const float = await measure();
  for (const cache of ['{ bits: 8 }', '{ keys: fp8, values: fp8 }'])
    expect(Math.abs((await measure(cache)) / float - 1)).toBeLessThan(2e-3);
  const kivi = await measure('{ bits: 2 }');
  expect(kivi).toBeGreaterThan(float);
  expect(kivi).toBeLessThan(await measure('{ bits: 2, keys: { per: token } }'));
  expect(kivi).toBeLessThan(await measure('{ bits: 2, values: { per: channel } }'));
});

test('a recipe writes the cache, and eval of its output is eval with that cache', async () => {
  const run = async (name: string, steps: string) => {
    await writeFile(
      join(folder, `${name}.yaml`),
      `model: ${DEMO_MODEL}\noutput: ./${name}\npipeline:\n${steps}format: dense\n`,
    );
    const { code, log, stdout } = await cli(['run', `${name}.yaml`, '--threads', '1']);
    if (code !== 0) throw new Error(log + stdout);
  };
  const rtn = '  - rtn: { grid: int4, groupSize: 128 }\n';
  await run('plain', rtn);
  await run('cached', `${rtn}  - kv-cache: { k: 4, v: 2, sinks: 4 }\n`);
  const inference = await readInference(join(folder, 'cached'));
  expect(Object.keys(inference!.attention)).toEqual(['blocks.0', 'blocks.1', 'blocks.2', 'blocks.3']);
  const cached = await perplexity('cached');
  await writeFile(join(folder, 'kv.yaml'), 'k: 4\nv: 2\nsinks: 4\n');
  expect(await perplexity('plain', 'kv.yaml')).toBe(cached);
  expect(await perplexity('plain')).not.toBe(cached);
});

test('eval says what is wrong with a cache', async () => {
  for (const [cache, message] of [
    ['{ bits: 9 }', 'bits'],
    ['{ bits: [ }', 'not valid YAML'],
    ['nowhere.yaml', 'nor a file'],
    ['{ keys: { grid: fp8, scales: head } }', 'calibration'],
  ])
    await expect(perplexity(DEMO_MODEL, cache)).rejects.toThrow(message);
});

function step(algorithm: Algorithm<never>, recipe: unknown): PipelineStep {
  return { algorithm: algorithm as unknown as Algorithm, options: algorithm.options.parse(recipe) };
}

async function goldenRequest(name: string, pipeline: readonly PipelineStep[]) {
  const { model, checkpoint, tokens, length, sequences } = await openGolden('llama');
  const request: CompressRequest = {
    source: goldenFolder('llama'),
    output: join(folder, name),
    checkpoint,
    model,
    pipeline,
    format: dense,
    calibration: { sequences, digest: 'golden' },
    seed: 0,
    strict: false,
    activationMemory: 2 ** 28,
    kernels: createReferenceKernels(),
    recipe: {},
    versions: {},
  };
  return { request, tokens, length };
}

const calibrated = { keys: { grid: 'fp8', scales: 'head' }, values: { bits: 8, scales: 'tensor' } };

test('calibrated scales are those of the largest key and value that the model makes', async () => {
  const { request, tokens, length } = await goldenRequest('scales', [step(kvCache as never, calibrated)]);
  const { model, checkpoint, kernels } = request;
  await compress(request);
  const inference = await readInference(request.output);
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  for (const section of model.sections.slice(0, -1)) {
    const weights = await loadSection(checkpoint, section, kernels);
    const absmax = { keys: [] as number[], values: 0 };
    weights.inference.watch = {
      keysBeforeRotary: false,
      see(keys, values) {
        const { keyHeads, headDimension } = section.attention!;
        const magnitudes = (head: number) =>
          Array.from(keys.data, (x, i) => (Math.floor((i % keys.columns) / headDimension) === head ? Math.abs(x) : 0));
        absmax.keys = Array.from({ length: keyHeads }, (_, head) => Math.max(...magnitudes(head)));
        absmax.values = Math.max(...values.data.map(Math.abs));
      },
    };
    await runSection(model.open(section, weights, kernels), weights, batch, kernels);
    if (!section.attention) continue;
    const { cache } = inference!.attention[section.name];
    expect(cache!.keys!.scales).toEqual(absmax.keys.map((most) => Math.fround(most / 448)));
    expect(cache!.values!.scales).toEqual([Math.fround(absmax.values / 127.5)]);
  }
  await checkpoint.close();
});

test('a run that is killed amid the last block and resumed leaves the same bytes', async () => {
  const pipeline = [step(gptq as never, { grid: 'int4', groupSize: 'channel' }), step(kvCache as never, calibrated)];
  const whole = await goldenRequest('whole', pipeline);
  await compress(whole.request);
  const again = await goldenRequest('again', pipeline);
  const abort = new AbortController();
  const blocks = whole.request.model.sections.filter(({ kind }) => kind === 'block');
  const onEvent: CompressRequest['onEvent'] = (event) => {
    if (event.type === 'site' && event.section === blocks.at(-1)!.name) abort.abort(new Error('stop'));
  };
  await expect(compress({ ...again.request, onEvent, signal: abort.signal })).rejects.toThrow('stop');
  await compress(again.request);
  for (const file of ['inference.json', 'model.safetensors'])
    expect(await readFile(join(folder, 'again', file))).toEqual(await readFile(join(folder, 'whole', file)));
  await whole.request.checkpoint.close();
  await again.request.checkpoint.close();
});
