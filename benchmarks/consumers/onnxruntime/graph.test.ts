import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Checkpoint, openCheckpoint, openSafetensors } from '@compress/core';
import { onnx } from '@compress/formats';
import { modelFromConfig } from '@compress/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OnnxDecoder, openOnnxDecoder } from './onnxruntime.ts';

const goldens = fileURLToPath(new URL('../../../packages/models/goldens', import.meta.url));

/** Logits are of size 1 to 10; sums in another order, and norms and exponentials of another library. */
const MAX_DIFFERENCE = 2e-5;

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'compress-onnx-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** The golden checkpoint as a graph with all of its weights in floats, and what transformers computed. */
async function golden(name: string) {
  const config = JSON.parse(await readFile(join(goldens, name, 'config.json'), 'utf8'));
  const checkpoint = await openCheckpoint(join(goldens, name));
  const model = modelFromConfig(config, checkpoint.tensors);
  expect(onnx.packaging!.limit(model)).toBeUndefined();
  const folder = await mkdtemp(join(scratch, name));
  const configuration = { bits: 4 };
  // A buffer that some writer left among the weights.
  const buffer = {
    name: 'a.buffer',
    dtype: 'I32',
    shape: [1],
    byteLength: 4,
    bytes: async () => new Uint8Array(4),
  } as const;
  const tensors = [...sourcesOf(checkpoint), buffer];
  await onnx.packaging!.write({ folder, model, tensors, configuration });
  await checkpoint.close();
  const expected = await openSafetensors(join(goldens, `${name}.golden.safetensors`));
  const tokens = new Uint32Array((await expected.read('tokens')).slice().buffer);
  const logits = new Float32Array((await expected.read('logits')).slice().buffer);
  const [sequences, length] = expected.tensors.get('tokens')!.shape;
  await expected.close();
  const decoder = await openOnnxDecoder(join(folder, 'onnx', 'model_q4.onnx'), model.sections[1].attention!);
  return { decoder, tokens, logits, sequences, length, vocabulary: model.vocabularySize };
}

function sourcesOf(checkpoint: Checkpoint) {
  return [...checkpoint.tensors.values()].map((info) => ({ ...info, bytes: () => checkpoint.read(info.name) }));
}

function largestDifference(left: Float32Array, right: Float32Array): number {
  expect(left.length).toBe(right.length);
  return left.reduce((largest, value, i) => Math.max(largest, Math.abs(value - right[i])), 0);
}

describe.each(['llama', 'llama-tied', 'llama-yarn', 'mistral', 'qwen2', 'qwen3'])('the graph of %s', (name) => {
  let decoder: OnnxDecoder;
  let p: Awaited<ReturnType<typeof golden>>;
  beforeAll(async () => {
    p = await golden(name);
    decoder = p.decoder;
  });
  afterAll(() => decoder.close());

  it('has the logits of transformers', async () => {
    decoder.reset();
    expect(largestDifference(await decoder.append(p.tokens, p.sequences), p.logits)).toBeLessThan(MAX_DIFFERENCE);
  });

  it('has them token by token, with its cache', async () => {
    decoder.reset();
    const { sequences, length, vocabulary } = p;
    for (let at = 0; at < length; at++) {
      const tokens = Uint32Array.from({ length: sequences }, (_, s) => p.tokens[s * length + at]);
      const logits = await decoder.append(tokens, sequences);
      for (let s = 0; s < sequences; s++) {
        const row = (s * length + at) * vocabulary;
        const ours = logits.subarray(s * vocabulary, (s + 1) * vocabulary);
        expect(largestDifference(ours, p.logits.subarray(row, row + vocabulary))).toBeLessThan(MAX_DIFFERENCE);
      }
    }
  });

  it('has them for sequences that are filled up on their left', async () => {
    decoder.reset();
    const { length, vocabulary } = p;
    const filling = 3;
    const tokens = Uint32Array.of(
      ...p.tokens.subarray(0, length),
      ...Array(filling).fill(0),
      ...p.tokens.subarray(0, length - filling),
    );
    const mask = [Array(length).fill(1), [...Array(filling).fill(0), ...Array(length - filling).fill(1)]];
    const logits = await decoder.append(tokens, 2, mask);
    const filled = logits.subarray((length + filling) * vocabulary);
    expect(largestDifference(filled, p.logits.subarray(0, filled.length))).toBeLessThan(MAX_DIFFERENCE);
  });
});

describe('a model that has no graph', () => {
  const limitOf = async (name: string, change: object = {}) => {
    const config = JSON.parse(await readFile(join(goldens, name, 'config.json'), 'utf8'));
    const checkpoint = await openCheckpoint(join(goldens, name));
    await checkpoint.close();
    return onnx.packaging!.limit(modelFromConfig({ ...config, ...change }, checkpoint.tensors));
  };

  it.each(['gemma3', 'gpt2', 'mixtral', 'phi3'])('is %s, by name', async (name) => {
    expect(await limitOf(name)).toMatch(new RegExp(`\\(llama, mistral, qwen2, qwen3\\), not of ${name}`));
  });

  it('is one whose rotary embedding changes with the length', async () => {
    const factors = Array(5).fill(2);
    const rope_parameters = {
      rope_type: 'longrope',
      rope_theta: 500,
      original_max_position_embeddings: 16,
      factor: 4,
      short_factor: factors,
      long_factor: factors.map((factor) => 2 * factor),
    };
    expect(await limitOf('llama', { rope_parameters })).toMatch(/LongRoPE/);
  });
});
