import type { Batch, Checkpoint, LinearSpec, Model, SectionSpec, TensorInfo } from '@compress/core';
import { createReferenceKernels, type Matrix } from '@compress/kernels';

const kernels = createReferenceKernels();

/** A float32 array that looks like nothing in particular. */
export function wave(length: number, step: number, size: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => size * Math.sin(1 + step * i));
}

/** One Linear: its name is also its module path. */
function linear(name: string, outFeatures: number, inFeatures: number): LinearSpec {
  return { name, weight: `${name}.weight`, outFeatures, inFeatures, transposed: false };
}

/** `table` and `head.weight` are [vocabulary, hidden], `mix.weight` is [hidden, hidden]. */
export type TinyWeights = Readonly<Record<'table' | 'mix.weight' | 'head.weight', Float32Array>>;

/**
 * The smallest decoder that looks back: the block adds W m to the stream, m being the mean of all rows up to and with this one, and the
 * head is a plain product.
 */
export function tinyModel(values: TinyWeights): { model: Model; checkpoint: Checkpoint } {
  const hidden = Math.sqrt(values['mix.weight'].length);
  const vocabulary = values.table.length / hidden;
  const section = (name: string, kind: SectionSpec['kind'], tensors: string[], linears: LinearSpec[]): SectionSpec => ({
    name,
    kind,
    tensors,
    sites: linears.map((spec) => ({ name: `${spec.name}.input`, features: spec.inFeatures, linears: [spec] })),
    links: [],
  });
  const block = section('blocks.0', 'block', ['mix.weight'], [linear('mix', hidden, hidden)]);
  const head = section('head', 'head', ['head.weight'], [linear('head', vocabulary, hidden)]);
  const model: Model = {
    architecture: 'tiny',
    hiddenSize: hidden,
    vocabularySize: vocabulary,
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
    logits: async (_program, weights, rows) => {
      const output = kernels.matrix(rows.rows, vocabulary);
      await kernels.linear({ input: rows, ...weights.linears.get('head')!, output });
      return output;
    },
  };
  const tensors = new Map<string, TensorInfo>(
    Object.entries(values).map(([name, data]) => {
      const shape = [data.length / hidden, hidden];
      return [name, { name, dtype: 'F32', shape, byteLength: data.byteLength }];
    }),
  );
  const read: Checkpoint['read'] = async (name, range) =>
    new Uint8Array(values[name as keyof TinyWeights].buffer).slice(range?.start, range?.end);
  return { model, checkpoint: { tensors, location: 'memory', files: [], read, close: async () => {} } };
}

function embed({ tokens, hidden: { data, columns } }: Batch, table: Float32Array): void {
  tokens.forEach((token, row) => {
    data.set(table.subarray(token * columns, (token + 1) * columns), row * columns);
  });
}

function copy({ rows, columns, data }: Matrix): Matrix {
  return { rows, columns, data: data.slice() };
}

function causalMean({ sequences, length, hidden: { rows, columns, data } }: Batch): Matrix {
  const mean = kernels.matrix(rows, columns);
  for (let s = 0; s < sequences; s++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let t = 0; t < length; t++) {
        sum += data[(s * length + t) * columns + c];
        mean.data[(s * length + t) * columns + c] = sum / (t + 1);
      }
    }
  }
  return mean;
}

/** Weights of a tiny model. */
export function tinyWeights(vocabulary: number, hidden: number): TinyWeights {
  return {
    table: wave(vocabulary * hidden, 0.7, 1),
    'mix.weight': wave(hidden * hidden, 1.3, 0.8),
    'head.weight': wave(vocabulary * hidden, 2.1, 1.5),
  };
}

/** Log-probabilities of all tokens after each token of a window but the last, in float64, one token at a time, straight from the decoder's definition. */
export function logProbabilitiesOf(weights: TinyWeights, window: Uint32Array): number[][] {
  const hidden = Math.sqrt(weights['mix.weight'].length);
  const row = (name: keyof TinyWeights, r: number) => Array.from(weights[name].subarray(r * hidden, (r + 1) * hidden));
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const past = new Array<number>(hidden).fill(0);
  return Array.from(window.subarray(0, -1), (token, t) => {
    const x = row('table', token);
    x.forEach((value, c) => {
      past[c] += value;
    });
    const mean = past.map((sum) => sum / (t + 1));
    const h = x.map((value, c) => value + dot(row('mix.weight', c), mean));
    const logits = Array.from({ length: weights.table.length / hidden }, (_, v) => dot(row('head.weight', v), h));
    const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    return logits.map((logit) => logit - logSum);
  });
}

/** Negative log-likelihoods of the tokens 1 .. of a window. */
export function nllOf(weights: TinyWeights, window: Uint32Array): number[] {
  return logProbabilitiesOf(weights, window).map((row, t) => -row[window[t + 1]]);
}
