import type { Batch, Checkpoint, LinearSpec, Model, SectionSpec, TensorInfo } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';
import { describe, expect, it } from 'vitest';
import { perplexity } from './perplexity.ts';

const VOCABULARY = 11;
const HIDDEN = 4;
const kernels = createReferenceKernels();

function wave(length: number, step: number, size: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => size * Math.sin(1 + step * i));
}

/** One Linear: its name is also its module path. */
function linear(name: string, outFeatures: number, inFeatures: number): LinearSpec {
  return { name, weight: `${name}.weight`, outFeatures, inFeatures, transposed: false };
}

/**
 * The smallest decoder that looks back: the block adds W m to the stream, m being the mean of all rows up to and with this one, and the
 * head is a plain product.
 */
function tinyModel(values: Record<string, Float32Array>): { model: Model; checkpoint: Checkpoint } {
  const section = (name: string, kind: SectionSpec['kind'], tensors: string[], linears: LinearSpec[]): SectionSpec => ({
    name,
    kind,
    tensors,
    sites: linears.map((spec) => ({ name: `${spec.name}.input`, features: spec.inFeatures, linears: [spec] })),
    links: [],
  });
  const block = section('blocks.0', 'block', ['mix.weight'], [linear('mix', HIDDEN, HIDDEN)]);
  const head = section('head', 'head', ['head.weight'], [linear('head', VOCABULARY, HIDDEN)]);
  const model: Model = {
    architecture: 'tiny',
    hiddenSize: HIDDEN,
    vocabularySize: VOCABULARY,
    contextLength: 4096,
    tied: false,
    sections: [section('embedding', 'embedding', ['table'], []), block, head],
    untie: () => model,
    open: (spec, weights) => {
      if (spec.kind === 'embedding') {
        return { stages: [], embed: async (batch) => embed(batch, weights.tensors.get('table')!) };
      }
      const [site] = spec.sites;
      if (spec.kind === 'head')
        return { stages: [{ site, input: async ({ hidden }) => copy(hidden), output: async () => {} }] };
      return {
        stages: [
          {
            site,
            input: async (batch) => causalMean(batch),
            output: async (batch, [output]) => kernels.add({ source: output, target: batch.hidden }),
          },
        ],
      };
    },
    logits: async (_program, weights, hidden) => {
      const output = kernels.matrix(hidden.rows, VOCABULARY);
      await kernels.linear({ input: hidden, ...weights.linears.get('head')!, output });
      return output;
    },
  };
  const tensors = new Map<string, TensorInfo>(
    Object.entries(values).map(([name, data]) => {
      const shape = [data.length / HIDDEN, HIDDEN];
      return [name, { name, dtype: 'F32', shape, byteLength: data.byteLength }];
    }),
  );
  const read: Checkpoint['read'] = async (name, range) =>
    new Uint8Array(values[name].buffer).slice(range?.start, range?.end);
  return { model, checkpoint: { tensors, location: 'memory', files: [], read, close: async () => {} } };
}

function embed(batch: Batch, table: Float32Array): void {
  batch.tokens.forEach((token, row) => {
    batch.hidden.data.set(table.subarray(token * HIDDEN, (token + 1) * HIDDEN), row * HIDDEN);
  });
}

function copy({ rows, columns, data }: Matrix): Matrix {
  return { rows, columns, data: data.slice() };
}

function causalMean({ sequences, length, hidden }: Batch): Matrix {
  const mean = kernels.matrix(hidden.rows, HIDDEN);
  for (let s = 0; s < sequences; s++) {
    for (let c = 0; c < HIDDEN; c++) {
      let sum = 0;
      for (let t = 0; t < length; t++) {
        sum += hidden.data[(s * length + t) * HIDDEN + c];
        mean.data[(s * length + t) * HIDDEN + c] = sum / (t + 1);
      }
    }
  }
  return mean;
}

const weights = {
  table: wave(VOCABULARY * HIDDEN, 0.7, 1),
  'mix.weight': wave(HIDDEN * HIDDEN, 1.3, 0.8),
  'head.weight': wave(VOCABULARY * HIDDEN, 2.1, 1.5),
};

/** The same decoder in float64, one token at a time, straight from its definition. */
function nllOf(window: Uint32Array): number[] {
  const row = (name: keyof typeof weights, r: number) =>
    Array.from(weights[name].subarray(r * HIDDEN, (r + 1) * HIDDEN));
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const past = [0, 0, 0, 0];
  return Array.from(window.subarray(0, -1), (token, t) => {
    const x = row('table', token);
    x.forEach((value, c) => {
      past[c] += value;
    });
    const mean = past.map((sum) => sum / (t + 1));
    const h = x.map((value, c) => value + dot(row('mix.weight', c), mean));
    const logits = Array.from({ length: VOCABULARY }, (_, v) => dot(row('head.weight', v), h));
    return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[window[t + 1]];
  });
}

const text = Uint32Array.from({ length: 6000 }, (_, i) => (i * i + 3 * i) % VOCABULARY);

describe('perplexity', () => {
  it('is the size of the vocabulary when all logits are equal', async () => {
    const flat = tinyModel({ ...weights, 'head.weight': new Float32Array(VOCABULARY * HIDDEN) });
    const result = await perplexity({ ...flat, kernels, tokens: text, context: 16, windows: 3 });
    expect(result.perplexity).toBeCloseTo(VOCABULARY, 6);
    expect(result.standardError).toBeCloseTo(0, 7);
    expect(result.tokens).toBe(3 * 15);
  });

  it.each([
    { context: 16, windows: 5 },
    { context: 2, windows: 1 },
    { context: 700, windows: 7 },
    { context: 3000, windows: 2 },
  ])('agrees with the definition in float64: $windows windows of $context', async ({ context, windows }) => {
    const result = await perplexity({ ...tinyModel(weights), kernels, tokens: text, context, windows });
    const expected = Array.from({ length: windows }, (_, w) =>
      nllOf(text.subarray(w * context, (w + 1) * context)),
    ).flat();
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    const variance = expected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (expected.length - 1);
    expect(result.tokens).toBe(expected.length);
    expect(result.nll).toBeCloseTo(mean, 5);
    expect(result.perplexity).toBeCloseTo(Math.exp(mean), 4);
    if (expected.length > 1) expect(result.standardError).toBeCloseTo(Math.sqrt(variance / expected.length), 5);
  });

  it('does not change when a window comes twice', async () => {
    const window = text.slice(0, 64);
    const twice = new Uint32Array([...window, ...window]);
    const once = await perplexity({ ...tinyModel(weights), kernels, tokens: window, context: 64 });
    const both = await perplexity({ ...tinyModel(weights), kernels, tokens: twice, context: 64 });
    expect(both.windows).toBe(2);
    expect(both.nll).toBeCloseTo(once.nll, 12);
  });

  it('tells how far it is, up to the end', async () => {
    const shares: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void shares.push(done / total);
    await perplexity({ ...tinyModel(weights), kernels, tokens: text, context: 1000, onProgress });
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  });

  it('refuses texts that are too short, contexts that are too long, and foreign tokens', async () => {
    const run = (tokens: Uint32Array, context: number, windows?: number) =>
      perplexity({ ...tinyModel(weights), kernels, tokens, context, ...(windows === undefined ? {} : { windows }) });
    await expect(run(text.subarray(0, 100), 16, 7)).rejects.toThrow(
      'The text has 100 tokens, which make 6 windows of 16; 7 were asked for.',
    );
    await expect(run(text.subarray(0, 10), 16)).rejects.toThrow('which make 0 windows');
    await expect(run(text, 5000)).rejects.toThrow("more than the model's 4096");
    await expect(run(Uint32Array.of(1, 2, 11, 3), 4)).rejects.toThrow('Token 11 at position 2');
  });

  it('refuses logits that are not finite', async () => {
    const broken = tinyModel({
      ...weights,
      table: weights.table.map((value) => value * 1e20),
      'head.weight': weights['head.weight'].map((value) => value * 1e20),
    });
    await expect(perplexity({ ...broken, kernels, tokens: text, context: 16 })).rejects.toThrow(/not finite/);
  });

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort();
    await expect(perplexity({ ...tinyModel(weights), kernels, tokens: text, context: 16, signal })).rejects.toThrow(
      /abort/,
    );
  });
});
