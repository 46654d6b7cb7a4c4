import type { Kernels, Matrix } from '@compress/kernels';
import type { Batch, SectionSpec, SectionWeights } from '../model/model.ts';
import { randomStream } from '../random-stream.ts';
import { createBufferPool } from './buffer-pool.ts';
import { batchSize } from './calibration-data.ts';
import { divergences } from './divergences.ts';
import { loadSection } from './load-section.ts';
import type { CompressRequest } from './request.ts';
import { runSection } from './run-section.ts';
import { largestNoise, noisyLinears, SENSITIVITY_LENGTH, SENSITIVITY_WINDOWS } from './sensitivity-extent.ts';

/** The noise's share of a weight's norm: of the order of rounding to 4 bits, where divergences grow in proportion to its square. */
const NOISE = 0.1;

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
  const noise = new Float64Array(largestNoise(model));
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
  const count = Math.min(SENSITIVITY_WINDOWS, sequences.length);
  const length = Math.min(SENSITIVITY_LENGTH, sequences[0]?.length ?? 0);
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
