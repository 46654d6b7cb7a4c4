import {
  columnsPerGroup,
  dequantizeWeight,
  type Grid,
  type GridChoice,
  type GroupSize,
  quantizeWeight,
  requireFinite,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { importanceOf, type Rounding, roundingErrors, sum } from './rounding.ts';
import { type ScaleSources, scaleOfRatio } from './scale-of-ratio.ts';

/** Keeps the parts that weights are of their groups' largest finite. */
const SMALLEST_RANGE = 1e-6;

/** Linears that must share a scale of their n input channels, and what they read. Nothing is changed. */
export interface AwqSearch {
  readonly linears: readonly {
    /** `[out, n]`, finite. */
    readonly weight: Matrix;
    /** `[n, n]`: the mean of x^T x over the tokens that it reads. */
    readonly gram: Matrix;
    /** What its loss counts for: the tokens that it reads, where they differ. @default 1 */
    readonly tokens?: number;
    /** Its ranges will be clipped ({@link clipWeight}): trials shrink them too, as far as the diagonal of the gram tells. @default false */
    readonly clipped?: boolean;
    /** For errors. */
    readonly layer?: string;
  }[];
  /** `[n]`: mean magnitude of each input channel. */
  readonly activation: ArrayLike<number>;
  /** `[n]`: channels with the same number get the same scale. @default all different */
  readonly sharing?: ArrayLike<number>;
  /** @default 'int4-asym' */
  readonly grid?: Grid | GridChoice;
  /** @default 128 */
  readonly groupSize?: GroupSize;
  /** Scales from activations and weights. @default false */
  readonly duo?: boolean;
  /** Trials. @default 20 */
  readonly ratios?: number;
  /**
   * What it costs that these, `[out, n]` in the order of `linears`, take the places of the weights, the scale divided out again: of a whole module, say.
   * Absent: the sum over Linears of tokens x tr((W - Q) G (W - Q)^T).
   */
  readonly costOf?: (rounded: AsyncIterable<Matrix>) => Promise<number>;
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** What the search found. */
export interface AwqScale {
  /** `[n]`, > 0. Columns of the weights are to be multiplied by it, activations divided. */
  readonly scale: Float64Array;
  /** The exponent of the activations, or undefined where no scaling is best. */
  readonly ratio?: number;
  /** What rounding to nearest costs with this scale. */
  readonly loss: number;
  /** The same without scaling. */
  readonly identityLoss: number;
}

/**
 * The scale of a site's channels with the least error of rounding to nearest (Lin et al., 2023, AWQ, section 3.2), by trying exponents of the
 * activations' magnitudes. No scaling is tried first and kept unless something is better.
 *
 * Throws `CompressError`: `weight-not-finite`, `gram-not-finite`, `grid-invalid`, `group-size`.
 */
export function searchScale(request: AwqSearch): Promise<AwqScale> {
  return withKernels(request.kernels, async (kernels) => {
    const { linears, duo = false, ratios = 20, groupSize = 128 } = request;
    const rounding = { grid: resolveGrid(request.grid ?? 'int4-asym'), groupSize, kernels };
    for (const { weight, gram, layer } of linears) {
      requireFinite('weight', weight, { layer });
      requireFinite('gram', gram, { layer });
    }
    const sources = sourcesOf(request, groupSize, duo);
    const tried = Array.from({ length: ratios }, (_, i) => i / ratios).slice(duo ? 0 : 1);
    const scales = [
      new Float64Array(request.activation.length).fill(1),
      // Kernels compute with f32: so trials are of the scales that will be moved.
      ...tried.map((ratio) => scaleOfRatio(sources, ratio).map(Math.fround)),
    ];
    const [identityLoss, ...losses] = await lossesOf(scales, request, rounding);
    let best: AwqScale = { scale: scales[0], loss: identityLoss, identityLoss };
    for (const [i, loss] of losses.entries())
      if (loss < best.loss) best = { scale: scales[i + 1], ratio: tried[i], loss, identityLoss };
    return best;
  });
}

type SearchRounding = Omit<Rounding, 'layer'>;

/** What each scale costs. */
async function lossesOf(
  scales: readonly Float64Array[],
  { linears, costOf }: AwqSearch,
  rounding: SearchRounding,
): Promise<number[]> {
  if (!costOf) return gramLosses(scales, linears, rounding);
  const losses: number[] = [];
  for (const scale of scales) losses.push(await costOf(roundWith(scale, linears, rounding)));
  return losses;
}

/** For each scale the sum over Linears of tokens x tr((W - Q) G (W - Q)^T). */
async function gramLosses(
  scales: readonly Float64Array[],
  linears: AwqSearch['linears'],
  rounding: SearchRounding,
): Promise<number[]> {
  const { kernels } = rounding;
  const losses = new Array<number>(scales.length).fill(0);
  for (const linear of linears) {
    const { weight, gram, tokens = 1 } = linear;
    const rounded = kernels.scratch(weight.rows, weight.columns);
    for (const [i, scale] of scales.entries()) {
      const divisors = Float32Array.from(scale);
      await kernels.scaleColumns({ input: weight, factors: divisors, output: rounded });
      const errors = await roundingErrors({ weight, rounded, divisors, gram }, roundingOfTrial(linear, rounding));
      losses[i] += tokens * sum(errors);
    }
  }
  return losses;
}

/** What rounding to nearest makes of each weight with the scale, which is divided out again. */
async function* roundWith(
  scale: Float64Array,
  linears: AwqSearch['linears'],
  rounding: SearchRounding,
): AsyncGenerator<Matrix> {
  const { kernels } = rounding;
  const factors = Float32Array.from(scale);
  for (const linear of linears) {
    const { rows, columns } = linear.weight;
    const weight = kernels.scratch(rows, columns);
    await kernels.scaleColumns({ input: linear.weight, factors, output: weight });
    const trial = roundingOfTrial(linear, rounding);
    const importance = importanceOf(linear.gram, factors, trial);
    const values = await dequantizeWeight(await quantizeWeight({ ...trial, weight, importance }), kernels);
    await kernels.scaleColumns({ input: values, factors: factors.map((factor) => 1 / factor), output: values });
    yield values;
  }
}

/** Ranges that will be clipped are shrunken in trials too. */
function roundingOfTrial({ clipped = false, layer }: AwqSearch['linears'][number], rounding: SearchRounding): Rounding {
  const { grid } = rounding;
  const shrinks = clipped && grid.scales === 'minmax';
  return { ...rounding, grid: shrinks ? { ...grid, scales: 'hessian' } : grid, layer };
}

/** Magnitudes of activations and, for duo scaling, weights; means over channels that share a scale. */
function sourcesOf({ linears, activation, sharing }: AwqSearch, groupSize: GroupSize, duo: boolean): ScaleSources {
  const pooled = (values: Float64Array) => (sharing ? poolEqual(values, sharing) : values);
  return {
    activation: pooled(Float64Array.from(activation)),
    ...(duo && { weight: pooled(weightMagnitudes(linears, columnsPerGroup(activation.length, groupSize))) }),
  };
}

/** The mean over all rows of |w| as a part of its group's largest. */
function weightMagnitudes(linears: AwqSearch['linears'], groupSize: number): Float64Array {
  const columns = linears[0].weight.columns;
  const magnitudes = new Float64Array(columns);
  let rows = 0;
  for (const { weight } of linears) {
    rows += weight.rows;
    for (let start = 0; start < weight.data.length; start += groupSize) {
      const group = weight.data.subarray(start, start + groupSize);
      const range = group.reduce((most, value) => Math.max(most, Math.abs(value)), SMALLEST_RANGE);
      for (const [i, value] of group.entries()) magnitudes[(start + i) % columns] += Math.abs(value) / range;
    }
  }
  return magnitudes.map((total) => total / rows);
}

function poolEqual(values: Float64Array, sharing: ArrayLike<number>): Float64Array {
  const totals = new Map<number, { sum: number; count: number }>();
  for (const [c, value] of values.entries()) {
    const { sum, count } = totals.get(sharing[c]) ?? { sum: 0, count: 0 };
    totals.set(sharing[c], { sum: sum + value, count: count + 1 });
  }
  return values.map((_, c) => {
    const { sum, count } = totals.get(sharing[c])!;
    return sum / count;
  });
}
