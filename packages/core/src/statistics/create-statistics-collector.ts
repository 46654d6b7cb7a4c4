import type { Kernels, Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { createColumnSums } from './column-sums.ts';
import { createCrossGram } from './create-cross-gram.ts';
import { createSampleKeeper } from './sample-keeper.ts';
import type { Observation, Statistics } from './statistics.ts';

/**
 * Tokens that the gram takes at a time: batches of any size are cut into these. It decides the order of additions, and so the bits, unless
 * it is a multiple of the kernels' k-block; the more, the fewer times the gram passes through a kernel's memory.
 */
const TILE = 2048;

/** Takes a site's activations batch by batch. The result does not depend on how tokens were divided into batches. */
export interface StatisticsCollector {
  /**
   * `input` is `[tokens, features]`, `float` the same tokens in the float model, for `crossGram`: without it in one batch there will be none. Both are free for
   * reuse afterwards. Throws `CompressError` `activations-not-finite`.
   */
  observe(input: Matrix, float?: Matrix): Promise<void>;
  /** Once, after the last batch. Throws `CompressError` `activations-not-finite`. */
  finish(): Promise<Statistics>;
}

/** Starts to observe the site named `site`. */
export function createStatisticsCollector(request: {
  /** For errors. */
  readonly site: string;
  readonly features: number;
  readonly observations: readonly Observation[];
  readonly kernels: Kernels;
}): StatisticsCollector {
  const { site, features, kernels } = request;
  const wanted = new Set(request.observations);
  const gram = wanted.has('gram') ? createGram(site, features, kernels) : undefined;
  const sums = createColumnSums(
    features,
    (['squares', 'absmax', 'absmean', 'mean'] as const).filter((name) => wanted.has(name)),
  );
  const samples = wanted.has('samples') ? createSampleKeeper(features) : undefined;
  const cross = wanted.has('crossGram') ? createCrossGram(features, kernels) : undefined;
  let paired = true;
  let tokens = 0;

  return {
    async observe(input, float) {
      if (input.columns !== features)
        throw new RangeError(`Site ${site} has ${features} features, not ${input.columns}.`);
      tokens += input.rows;
      // The gram tells by itself.
      if (!gram && (sums || samples)) requireFiniteActivations(site, input);
      sums?.add(input);
      samples?.add(input);
      await gram?.add(input);
      paired &&= float?.rows === input.rows;
      if (cross && paired && float) await cross.add(input, float);
    },
    async finish() {
      const matrix = await gram?.finish(tokens);
      return {
        tokens,
        ...(matrix && { gram: matrix }),
        ...(cross && paired && { crossGram: cross.finish(tokens) }),
        ...sums?.finish(tokens),
        ...(samples && { samples: samples.finish() }),
      };
    },
  };
}

function createGram(site: string, features: number, kernels: Kernels) {
  const output = kernels.matrix(features, features);
  /** Tokens that do not make a whole tile yet. */
  let waiting: Matrix | undefined;
  let filled = 0;

  async function addTile(input: Matrix): Promise<void> {
    await kernels.gram({ input, output });
    // A NaN, an infinity or a square beyond f32 in channel c leaves its mark on the diagonal.
    for (let c = 0; c < features; c++) if (!Number.isFinite(output.data[c * features + c])) throw notFinite(site, c);
  }

  const part = (matrix: Matrix, from: number, to: number): Matrix => ({
    rows: to - from,
    columns: features,
    data: matrix.data.subarray(from * features, to * features),
  });

  return {
    async add(input: Matrix): Promise<void> {
      let from = 0;
      while (from < input.rows) {
        const count = Math.min(TILE - filled, input.rows - from);
        if (count === TILE) await addTile(part(input, from, from + TILE));
        else {
          waiting ??= kernels.matrix(TILE, features);
          waiting.data.set(part(input, from, from + count).data, filled * features);
          filled += count;
          if (filled === TILE) {
            await addTile(waiting);
            filled = 0;
          }
        }
        from += count;
      }
    },
    async finish(tokens: number): Promise<Matrix> {
      if (waiting && filled > 0) await addTile(part(waiting, 0, filled));
      for (let i = 0; i < output.data.length; i++) output.data[i] /= Math.max(tokens, 1);
      await kernels.symmetrize(output);
      return output;
    },
  };
}

function requireFiniteActivations(site: string, { columns, data }: Matrix): void {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) throw notFinite(site, i % columns);
}

function notFinite(site: string, channel: number): CompressError {
  return new CompressError(
    'activations-not-finite',
    `Calibration made a NaN, an infinity or a square beyond f32 in channel ${channel}; check the checkpoint's weights and the calibration text.`,
    { layer: site },
  );
}
