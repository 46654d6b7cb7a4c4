import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Algorithm,
  type Checkpoint,
  compress,
  loadSection,
  type Model,
  type PipelineStep,
  randomStream,
  runSection,
  type TensorSource,
  untieRequest,
  verifyFolder,
  writeCheckpoint,
} from '@compress/core';
import { dense, formats, openModelCheckpoint } from '@compress/formats';
import { gptq } from '@compress/gptq';
import { hadamard, rotateSection } from '@compress/hadamard';
import { createKernels, type Kernels, type Matrix } from '@compress/kernels';
import { modelFromConfig } from '@compress/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenNames, openGolden } from '../golden.test.fixture.ts';

/** Python with torch and transformers. */
const python = process.env.COMPRESS_PYTHON;
if (python === undefined)
  console.warn('SKIPPED: transformers loads a rotated checkpoint; set COMPRESS_PYTHON to an interpreter that has it.');

const STREAM_STAYS = ['gemma3', 'gpt2', 'gpt_neox', 'gpt_neox-serial', 'opt'];

let kernels: Kernels;
let folder: string;
beforeAll(async () => {
  kernels = await createKernels({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'compress-hadamard-'));
});
afterAll(async () => {
  await kernels.close();
  await rm(folder, { recursive: true });
});

interface Opened {
  readonly model: Model;
  readonly checkpoint: Checkpoint;
}
interface Sequences {
  readonly tokens: Uint32Array;
  readonly length: number;
}

function step(algorithm: Algorithm<never>, recipe: unknown): PipelineStep {
  return { algorithm: algorithm as unknown as Algorithm, options: algorithm.options.parse(recipe) };
}

/** Logits of every position; with a recipe, of the model with every section rotated in memory. */
async function logits({ model, checkpoint }: Opened, { tokens, length }: Sequences, recipe?: unknown): Promise<Matrix> {
  const options = hadamard.options.parse(recipe ?? {});
  const pipeline = recipe === undefined ? [] : [step(hadamard as never, recipe)];
  const own = untieRequest({ model, checkpoint, pipeline });
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: tokens.length / length, length, tokens, hidden, state: new Map() };
  for (const section of own.model.sections) {
    const weights = await loadSection(own.checkpoint, section, kernels);
    if (recipe !== undefined) rotateSection(section, weights, model.hiddenSize, options);
    const program = own.model.open(section, weights, kernels);
    if (section.kind === 'head') return own.model.logits(program, weights, hidden, kernels);
    await runSection(program, weights, batch, kernels);
  }
  throw new Error('the model has no head');
}

/** max |difference| / max |expected| */
function relative(actual: Matrix, expected: Matrix): number {
  const largest = (f: (i: number) => number) => expected.data.reduce((most, _, i) => Math.max(most, Math.abs(f(i))), 0);
  return largest((i) => actual.data[i] - expected.data[i]) / largest((i) => expected.data[i]);
}

/** f32 rounds weights once more, and adds in another order. */
const ROUNDING = 3e-5;

describe.each(goldenNames)('%s', (name) => {
  const always = [['R2'], ['R3'], ['R4'], ['R2', 'R3', 'R4']];
  const sets = STREAM_STAYS.includes(name) ? always : [...always, ['R1'], ['R1', 'R2', 'R3', 'R4']];
  test.each(sets.map((rotations) => ({ rotations })))('the logits stay under $rotations', async (recipe) => {
    const golden = await openGolden(name);
    const expected = await logits(golden, golden);
    expect(hadamard.checkModel!(golden.model, hadamard.options.parse(recipe)).objections).toEqual([]);
    for (const seed of recipe.rotations.includes('R1') ? [0, 1] : [0])
      expect(relative(await logits(golden, golden, { ...recipe, seed }), expected)).toBeLessThan(ROUNDING);
    await golden.checkpoint.close();
  });

  test('the plan refuses R1 exactly where it would not be exact', async () => {
    const { model, checkpoint } = await openGolden(name);
    await checkpoint.close();
    const { objections } = hadamard.checkModel!(model, hadamard.options.parse({ rotations: ['R1'] }));
    expect(objections.length > 0).toBe(STREAM_STAYS.includes(name));
  });
});

/** A Llama of random weights of one block, as a folder in F32. */
async function writeLlama(
  at: string,
  p: { hidden: number; heads: number; size: number; inner: number; tied: boolean },
) {
  const { hidden, heads, size, inner, tied } = p;
  const vocabulary = 64;
  const keyHeads = heads / 2;
  const shapes: [string, number[]][] = [
    ['model.embed_tokens', [vocabulary, hidden]],
    ['model.layers.0.input_layernorm', [hidden]],
    ['model.layers.0.self_attn.q_proj', [heads * size, hidden]],
    ['model.layers.0.self_attn.k_proj', [keyHeads * size, hidden]],
    ['model.layers.0.self_attn.v_proj', [keyHeads * size, hidden]],
    ['model.layers.0.self_attn.o_proj', [hidden, heads * size]],
    ['model.layers.0.post_attention_layernorm', [hidden]],
    ['model.layers.0.mlp.gate_proj', [inner, hidden]],
    ['model.layers.0.mlp.up_proj', [inner, hidden]],
    ['model.layers.0.mlp.down_proj', [hidden, inner]],
    ['model.norm', [hidden]],
    ...(tied ? [] : [['lm_head', [vocabulary, hidden]] as [string, number[]]]),
  ];
  const random = randomStream('llama', hidden);
  const sources = shapes.map(([module, shape]): TensorSource => {
    const columns = shape.at(-1)!;
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
      shape.length === 1 ? 0.5 + random.uniform() : (3 * (random.uniform() - 0.5)) / Math.sqrt(columns),
    );
    const data = new Uint8Array(values.buffer);
    return { name: `${module}.weight`, dtype: 'F32', shape, byteLength: data.length, bytes: async () => data };
  });
  await mkdir(at);
  await writeCheckpoint(at, sources);
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: 1,
    num_attention_heads: heads,
    num_key_value_heads: keyHeads,
    head_dim: size,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: tied,
  };
  await writeFile(join(at, 'config.json'), JSON.stringify(config));
}

async function open(at: string): Promise<Opened> {
  const config = JSON.parse(await readFile(join(at, 'config.json'), 'utf8'));
  const checkpoint = await openModelCheckpoint(at);
  return { checkpoint, model: modelFromConfig(config, checkpoint.tensors) };
}

const random = randomStream('tokens');
const sequences = { tokens: Uint32Array.from({ length: 24 }, () => random.integer(64)), length: 12 };

test.each([
  { hidden: 576, heads: 4, size: 64, inner: 1536, tied: true },
  { hidden: 1536, heads: 2, size: 128, inner: 4864, tied: false },
  { hidden: 2880, heads: 2, size: 80, inner: 576, tied: true },
  { hidden: 3584, heads: 2, size: 128, inner: 1408, tied: false },
  { hidden: 64, heads: 2, size: 32, inner: 13696, tied: false },
])('the logits stay, hidden $hidden and inner $inner', async (shape) => {
  const at = join(folder, `llama-${shape.hidden}`);
  await writeLlama(at, shape);
  const opened = await open(at);
  const expected = await logits(opened, sequences);
  const rotated = await logits(opened, sequences, { rotations: ['R1', 'R2', 'R3', 'R4'] });
  expect(relative(rotated, expected)).toBeLessThan(ROUNDING);
  await opened.checkpoint.close();
});

/** Compresses a small tied Llama, and opens what comes out. */
async function compressed(at: string, pipeline: PipelineStep[], format = dense) {
  const source = join(folder, `${at}-source`);
  await writeLlama(source, { hidden: 96, heads: 4, size: 16, inner: 160, tied: true });
  const { model, checkpoint } = await open(source);
  const before = await logits({ model, checkpoint }, sequences);
  const output = join(folder, at);
  const { plan, manifest } = await compress({
    model,
    checkpoint,
    source,
    output,
    pipeline,
    format,
    calibration: { sequences: [sequences.tokens, sequences.tokens.toReversed()], digest: 'a'.repeat(64) },
    kernels,
    seed: 0,
    strict: false,
    activationMemory: 1e9,
    recipe: {},
    versions: {},
  }).finally(() => checkpoint.close());
  const opened = await open(output);
  const after = await logits(opened, sequences);
  await opened.checkpoint.close();
  return { before, after, plan, manifest, output };
}

test('a run writes an ordinary checkpoint with a head of its own, as the plan says', async () => {
  const { before, after, plan, manifest, output } = await compressed('folded', [step(hadamard as never, {})]);
  expect(relative(after, before)).toBeLessThan(ROUNDING);
  expect(JSON.parse(await readFile(join(output, 'config.json'), 'utf8')).tie_word_embeddings).toBe(false);
  expect(plan.warnings).toEqual([
    { algorithm: 'hadamard', code: 'head-untied', layer: 'lm_head', message: expect.stringContaining('0.0 MB') },
  ]);
  expect(manifest.warnings).toEqual(plan.warnings);
  const { storedBitsPerWeight, ...totals } = plan.totals;
  expect(storedBitsPerWeight).toBe(32);
  expect(manifest.totals).toEqual(totals);
  expect(plan.totals.bytesAfter - plan.totals.bytesBefore).toBe(64 * 96 * 4);
  expect(Object.keys(manifest.outputs)).not.toContain('inference.json');
  expect((await verifyFolder(output)).mismatches).toEqual([]);
});

test('what is online is part of the output, and of what reads it again', async () => {
  const recipe = { rotations: ['R1', 'R2', 'R3', 'R4'] };
  const { before, after, manifest, output } = await compressed('online', [step(hadamard as never, recipe)]);
  expect(relative(after, before)).toBeLessThan(ROUNDING);
  expect(JSON.parse(await readFile(join(output, 'inference.json'), 'utf8'))).toEqual({
    sites: { 'model.layers.0.feed_forward_inner': { rotation: { kind: 'hadamard', size: 160 } } },
    attention: { 'blocks.0': { rotation: { kind: 'hadamard', size: 16 } } },
  });
  expect(manifest.warnings.map(({ code }) => code)).toEqual(['head-untied', 'inference-not-in-format']);
  const again = await compressed('again', [
    step(hadamard as never, recipe),
    step(hadamard as never, { rotations: ['R4'] }),
  ]).catch((error: unknown) => error);
  expect(again).toMatchObject({ code: 'rotated-already' });
});

test('GPTQ follows in the same run, in codes, on what was rotated', async () => {
  const quantize = step(gptq as never, { grid: 'int8-asym', groupSize: 'channel' });
  const format = formats.find(({ name }) => name === 'gptq')!;
  const pipeline = [step(hadamard as never, { rotations: ['R1', 'R2', 'R4'] }), quantize];
  const { before, after, manifest } = await compressed('quantized', pipeline, format);
  expect(relative(after, before)).toBeLessThan(0.03);
  expect(relative(after, before)).toBeGreaterThan(1e-4);
  expect(manifest.layers.filter(({ algorithm }) => algorithm === 'gptq')).toHaveLength(7);
  expect(manifest.layers.filter(({ algorithm }) => algorithm === 'hadamard')).toHaveLength(7);
});

const SCRIPT = `
import sys, torch
from transformers import AutoModelForCausalLM
tokens = torch.tensor([int(t) for t in sys.argv[2].split(',')]).view(-1, int(sys.argv[3]))
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation='eager')
with torch.no_grad():
    for value in model(tokens).logits.flatten().tolist(): print(value)
`;

test.skipIf(python === undefined)('transformers computes the same logits from it', async () => {
  const { before, output } = await compressed('transformers', [step(hadamard as never, {})]);
  const script = join(folder, 'logits.py');
  await writeFile(script, SCRIPT);
  const printed = execFileSync(python!, [script, output, sequences.tokens.join(), String(sequences.length)], {
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const data = Float32Array.from(printed.trim().split('\n'), Number);
  expect(relative({ ...before, data }, before)).toBeLessThan(ROUNDING);
});
