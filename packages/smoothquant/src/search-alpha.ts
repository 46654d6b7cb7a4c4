import { multiplyColumns, staticScale, withKernels } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { smoothingScale } from './smoothing-scale.ts';

/** Alphas that are tried: 0.05, 0.1, ..., 1. */
const TRIALS = 20;

/** Linears whose inputs share a scale of their n channels. Nothing is changed. */
export interface AlphaSearch {
  /** Those whose error counts. */
  readonly linears: readonly {
    /** `[out, n]`, finite. */
    readonly weight: Matrix;
    /** `[tokens, n]`: some of the tokens that it reads. */
    readonly samples: Matrix;
  }[];
  /** Of all Linears that read the channels, those that stay in floats included: what their largest weights are taken from. */
  readonly weights: readonly Matrix[];
  /** `[n]`: the largest magnitude of each channel over all calibration tokens. */
  readonly absmax: ArrayLike<number>;
  /** Bits of activations; weights are supposed to get as many, with a scale a row. @default 8 */
  readonly bits?: number;
  /** A scale for each token, or one for all. @default 'token' */
  readonly per?: 'token' | 'tensor';
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** What the search found. */
export interface AlphaFound {
  /** Undefined where no smoothing is best. */
  readonly alpha?: number;
  /** `[n]`, > 0: the smoothing scale of that alpha; ones without one. */
  readonly scale: Float64Array;
  /** Squared error of all outputs over the samples, rounded activations times rounded weights against the floats. */
  readonly loss: number;
  /** The same without smoothing. */
  readonly plainLoss: number;
}

/**
 * The migration strength with the least error of the Linears' outputs when activations and weights are rounded (SmoothQuant, Xiao et al., 2022,
 * section 4, searches it by a grid of the whole model). No smoothing is tried first and kept unless something is better.
 */
export function searchAlpha(request: AlphaSearch): Promise<AlphaFound> {
  return withKernels(request.kernels, async (kernels) => {
    const { linears, weights, absmax, bits = 8, per = 'token' } = request;
    const wanted: Matrix[] = [];
    for (const { weight, samples } of linears) wanted.push(await outputOf(samples, weight, kernels));

    async function lossOf(scale: Float64Array): Promise<number> {
      const inverse = scale.map((s) => 1 / s);
      const fixed = per === 'tensor' ? staticScale(absmax, scale, { bits }) : undefined;
      let loss = 0;
      for (const [i, { weight, samples }] of linears.entries()) {
        const input = multiplyColumns(samples, inverse, kernels);
        await kernels.fakeQuantize({ input, bits, scale: fixed ?? 'token', output: input });
        const scaled = multiplyColumns(weight, scale, kernels);
        await kernels.fakeQuantize({ input: scaled, bits, scale: 'token', output: scaled });
        const { data } = await outputOf(input, scaled, kernels);
        for (let at = 0; at < data.length; at++) loss += (data[at] - wanted[i].data[at]) ** 2;
      }
      return loss;
    }

    const ones = new Float64Array(absmax.length).fill(1);
    const plainLoss = await lossOf(ones);
    let best: AlphaFound = { scale: ones, loss: plainLoss, plainLoss };
    for (let i = 1; i <= TRIALS; i++) {
      const alpha = i / TRIALS;
      const scale = smoothingScale({ weights, absmax, alpha });
      const loss = await lossOf(scale);
      if (loss < best.loss) best = { alpha, scale, loss, plainLoss };
    }
    return best;
  });
}

async function outputOf(input: Matrix, weight: Matrix, kernels: Kernels): Promise<Matrix> {
  const output = kernels.matrix(input.rows, weight.rows);
  await kernels.linear({ input, weight, output });
  return output;
}
