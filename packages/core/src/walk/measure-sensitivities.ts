import type { Kernels, Matrix } from '@compress/kernels';
import { countWeights } from '../model/count-weights.ts';
import type { Batch, LinearSpec, Model, SectionSpec, SectionWeights } from '../model/model.ts';
import { randomStream } from '../random-stream.ts';
import { type BufferPool, createBufferPool } from './buffer-pool.ts';
import { batchSize } from './calibration-data.ts';
import { loadSection } from './load-section.ts';
import type { CompressRequest } from './request.ts';
import { runSection } from './run-section.ts';
import { treatable } from './treat-site.ts';

/** The noise's share of a weight's norm: of the order of rounding to 4 bits, where divergences grow in proportion to its square. */
const NOISE = 0.1;
/** So many calibration windows are taken, spread over all, and so many tokens from the beginning of each. */
const WINDOWS = 4;
const LENGTH = 128;
/** Bytes of one stream's logits in memory at one time, of at least 32 tokens: each time the whole head is read. */
const LOGIT_BYTES = 2 ** 24;
const LEAST_ROWS = 32;

/** Tokens that {@link measureSensitivities} takes of such a calibration set: what the plan counts its work by. */
export function sensitivityTokens({ sequences, length }: { sequences: number; length: number }): number {
  return Math.min(WINDOWS, sequences) * Math.min(LENGTH, length);
}

/** The Linears of a section whose weights get noise: all that algorithms may touch. Behind a head comes nothing that could move. */
export function noisyLinears({ kind, sites }: SectionSpec): LinearSpec[] {
  return kind === 'head' ? [] : sites.flatMap(treatable);
}

/** The sections with such Linears, which {@link measureSensitivities} takes one after the other. */
export function sensitiveSections({ sections }: Pick<Model, 'sections'>): SectionSpec[] {
  return sections.filter((section) => noisyLinears(section).length > 0);
}

/** Bytes that {@link measureSensitivities} holds at one time beside a section's weights and a batch: residual streams, and logits or noise. */
export function sensitivityMemory(
  { sections, hiddenSize, vocabularySize }: Pick<Model, 'sections' | 'hiddenSize' | 'vocabularySize'>,
  calibration: { sequences: number; length: number },
): number {
  const noisy = sections.map(noisyLinears);
  const tokens = sensitivityTokens(calibration);
  // All streams of a section, once apart and once together.
  const streams = 2 * 4 * (1 + largest(noisy.map((linears) => linears.length))) * tokens * hiddenSize;
  // Logits of the plain model and of a stream in f32, and the plain one's probabilities in f64.
  const logits = Math.min(logitRows(vocabularySize), tokens) * vocabularySize * (4 + 4 + 8);
  // In f64 for one Linear, and in f32 the noisy weights of a whole section.
  const noise = 8 * largest(noisy.flat().map((one) => countWeights([one]))) + 4 * largest(noisy.map(countWeights));
  // Pools keep streams and logits for the next call while the weights of another section are read.
  return 2 * (streams + logits) + noise;
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);

/** Tokens whose logits are made at one time. */
function logitRows(vocabularySize: number): number {
  return Math.max(LEAST_ROWS, Math.floor(LOGIT_BYTES / 4 / vocabularySize));
}

/**
 * How far the next-token distributions of the float model move when white noise is added to the weight of one Linear alone: the mean
 * Kullback-Leibler divergence in nats a token, divided by the squared share of the noise in the weight. That is a_l of the linearity theorem
 * (Malinovskii et al., HIGGS, 2024, section 3), with the divergence in place of the growth of log perplexity: its expectation where the model is
 * right, and far less noisy. By name, of all Linears that algorithms may touch.
 *
 * Each takes the forward pass from its section on. Sections are read anew for those of every earlier one, so that memory does not grow with depth, and are
 * run for all of that one together. `onSection` is called as often as there are sections with Linears.
 */
export async function measureSensitivities({
  model,
  checkpoint,
  calibration,
  kernels,
  seed,
  signal,
  onSection,
}: Pick<CompressRequest, 'model' | 'checkpoint' | 'calibration' | 'kernels' | 'seed' | 'signal'> & {
  readonly onSection?: (section: SectionSpec) => void;
}): Promise<ReadonlyMap<string, number>> {
  const pool = createBufferPool(kernels);
  const weightPool = createBufferPool(kernels);
  const tokens = takeTokens(calibration?.sequences ?? []);
  const found = new Map<string, number>();
  const noise = new Float64Array(largest(model.sections.flatMap(noisyLinears).map((one) => countWeights([one]))));
  const last = model.sections.findLastIndex((section) => noisyLinears(section).length > 0);

  const copy = tokens.tokens.length;
  const most = copy * Math.max(1, Math.floor(batchSize(tokens.length) / tokens.sequences));

  /** The residual streams behind a section, of one or more copies of the tokens one below the other; `after` may be `before`. */
  async function behind(section: SectionSpec, weights: SectionWeights, before: Matrix, after: Matrix): Promise<Matrix> {
    for (let first = 0; first < before.rows; first += most) {
      const rows = Math.min(most, before.rows - first);
      const part = ({ data, columns }: Matrix) => data.subarray(first * columns, (first + rows) * columns);
      await pool.run(async () => {
        const batch: Batch = {
          sequences: (rows / copy) * tokens.sequences,
          length: tokens.length,
          tokens: Uint32Array.from({ length: rows }, (_, i) => tokens.tokens[i % copy]),
          hidden: pool.kernels.matrix(rows, before.columns),
          state: new Map(),
        };
        batch.hidden.data.set(part(before));
        await runSection(model.open(section, weights, pool.kernels), weights, batch, pool.kernels);
        part(after).set(batch.hidden.data);
      });
    }
    return after;
  }

  const reached = kernels.matrix(tokens.tokens.length, model.hiddenSize);
  for (const [index, section] of model.sections.slice(0, last + 1).entries()) {
    signal?.throwIfAborted();
    const noisy = new Map<string, Matrix>();
    await weightPool.run(async () => {
      const weights = await loadSection(checkpoint, section, weightPool.kernels);
      for (const { name } of noisyLinears(section)) {
        const plain = weights.linears.get(name)!;
        weights.linears.set(name, {
          ...plain,
          weight: withNoise(plain.weight, { layer: name, seed, noise }, weightPool.kernels),
        });
        noisy.set(name, await behind(section, weights, reached, kernels.matrix(reached.rows, reached.columns)));
        weights.linears.set(name, plain);
      }
      await behind(section, weights, reached, reached);
    });
    if (noisy.size === 0) continue;
    const names = [...noisy.keys()];
    const all = below([reached, ...noisy.values()]);
    noisy.clear();
    for (const later of model.sections.slice(index + 1)) {
      signal?.throwIfAborted();
      await weightPool.run(async () => {
        const weights = await loadSection(checkpoint, later, weightPool.kernels);
        if (later.kind !== 'head') {
          await behind(later, weights, all, all);
          return;
        }
        const program = model.open(later, weights, pool.kernels);
        const logits = (rows: Matrix) => model.logits(program, weights, rows, pool.kernels);
        const [plain, ...rest] = apart(all, copy);
        const streams = new Map(names.map((name, i) => [name, rest[i]]));
        for (const [name, divergence] of await divergences(plain, streams, logits, model.vocabularySize, pool))
          found.set(name, divergence / NOISE ** 2);
      });
    }
    onSection?.(section);
  }
  return found;
}

/** Matrices of one width as one. */
function below(parts: readonly Matrix[]): Matrix {
  const [{ rows, columns }] = parts;
  const output = new Float32Array(parts.length * rows * columns);
  for (const [i, { data }] of parts.entries()) output.set(data, i * rows * columns);
  return { rows: parts.length * rows, columns, data: output };
}

/** The same the other way: views of `rows` rows each. */
function apart(all: Matrix, rows: number): Matrix[] {
  const size = rows * all.columns;
  return Array.from({ length: all.rows / rows }, (_, i) => ({
    rows,
    columns: all.columns,
    data: all.data.subarray(i * size, (i + 1) * size),
  }));
}

/** The beginnings of a few windows. */
function takeTokens(sequences: readonly Uint32Array[]): Pick<Batch, 'sequences' | 'length' | 'tokens'> {
  const count = Math.min(WINDOWS, sequences.length);
  const length = Math.min(LENGTH, sequences[0]?.length ?? 0);
  const tokens = new Uint32Array(count * length);
  for (let i = 0; i < count; i++)
    tokens.set(sequences[Math.floor((i * sequences.length) / count)].subarray(0, length), i * length);
  return { sequences: count, length, tokens };
}

/** W + E with |E| = NOISE |W|, E normal; `noise` is room for at least as many numbers. */
function withNoise(
  { rows, columns, data }: Matrix,
  { layer, seed, noise }: { readonly layer: string; readonly seed: number; readonly noise: Float64Array },
  kernels: Kernels,
): Matrix {
  const random = randomStream(seed, 'sensitivity', layer);
  for (let i = 0; i < data.length; i++) noise[i] = random.normal();
  let [ofWeight, ofNoise] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    ofWeight += data[i] * data[i];
    ofNoise += noise[i] * noise[i];
  }
  const share = NOISE * Math.sqrt(ofWeight / ofNoise);
  const output = kernels.matrix(rows, columns);
  for (let i = 0; i < data.length; i++) output.data[i] = data[i] + share * noise[i];
  return output;
}

/** KL(p | q) = sum p log p - sum p z + log sum exp z, p the plain model's distribution and z a stream's logits: the mean over tokens. */
async function divergences(
  plain: Matrix,
  streams: ReadonlyMap<string, Matrix>,
  logits: (hidden: Matrix) => Promise<Matrix>,
  vocabularySize: number,
  pool: BufferPool,
): Promise<Map<string, number>> {
  const { rows, columns } = plain;
  const most = logitRows(vocabularySize);
  const sums = new Map<string, number>([...streams.keys()].map((name) => [name, 0]));
  const room = new Float64Array(Math.min(most, rows) * vocabularySize);
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const part = ({ data }: Matrix) => ({
      rows: count,
      columns,
      data: data.subarray(first * columns, (first + count) * columns),
    });
    const z = async (stream: Matrix) => {
      const values = await logits(part(stream));
      return { values, logSums: await logSumExp(values, pool.kernels) };
    };
    const reference = await pool.run(async () => {
      const { values, logSums } = await z(plain);
      return distributions(values, logSums, room);
    });
    for (const [name, stream] of streams)
      await pool.run(async () => {
        const { values, logSums } = await z(stream);
        let sum = sums.get(name)!;
        for (let r = 0; r < count; r++) {
          let mean = 0;
          for (let v = r * values.columns; v < (r + 1) * values.columns; v++)
            mean += reference.probabilities[v] * values.data[v];
          sum += logSums[r] - mean - reference.entropies[r];
        }
        sums.set(name, sum);
      });
  }
  return new Map([...sums].map(([name, sum]) => [name, Math.max(0, sum / rows)]));
}

/** By row. */
async function logSumExp(logits: Matrix, kernels: Kernels): Promise<Float64Array> {
  const first = await kernels.logSoftmaxPick({ logits, picked: new Uint32Array(logits.rows) });
  return Float64Array.from(first, (value, r) => logits.data[r * logits.columns] - value);
}

/** p of every row, at the beginning of `probabilities`, and its entropy, sum p log (1 / p). Plain loops: with callbacks they took longer than the forward passes. */
function distributions(
  { rows, columns, data }: Matrix,
  logSums: Float64Array,
  probabilities: Float64Array,
): { readonly probabilities: Float64Array; readonly entropies: Float64Array } {
  const entropies = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const logSum = logSums[r];
    let sum = 0;
    for (let v = r * columns; v < (r + 1) * columns; v++) {
      const p = Math.exp(data[v] - logSum);
      probabilities[v] = p;
      sum += p * (logSum - data[v]);
    }
    entropies[r] = sum;
  }
  return { probabilities, entropies };
}
