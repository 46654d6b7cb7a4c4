import {
  columnsPerGroup,
  type Grid,
  type GridChoice,
  type GroupSize,
  multiplyColumns,
  requireFinite,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { type Rounding, roundToNearest, squaresOf, sum } from './rounding.ts';
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
    const { costOf = (rounded: AsyncIterable<Matrix>) => gramCost(linears, rounded, kernels) } = request;
    const rounding = { grid: resolveGrid(request.grid ?? 'int4-asym'), groupSize, kernels };
    for (const { gram, layer } of linears) requireFinite('gram', gram, { layer });
    const loss = async (scale: Float64Array) => costOf(roundWith(scale, linears, rounding));
    const sources = sourcesOf(request, groupSize, duo);
    const identity = new Float64Array(request.activation.length).fill(1);
    const identityLoss = await loss(identity);
    let best: AwqScale = { scale: identity, loss: identityLoss, identityLoss };
    for (let i = duo ? 0 : 1; i < ratios; i++) {
      const ratio = i / ratios;
      const scale = scaleOfRatio(sources, ratio);
      const trial = await loss(scale);
      if (trial < best.loss) best = { scale, ratio, loss: trial, identityLoss };
    }
    return best;
  });
}

/** What rounding to nearest makes of each weight with the scale, which is divided out again. */
async function* roundWith(
  scale: Float64Array,
  linears: AwqSearch['linears'],
  rounding: Omit<Rounding, 'layer'>,
): AsyncGenerator<Matrix> {
  const { kernels } = rounding;
  const shrinking: Grid = rounding.grid.scales === 'minmax' ? { ...rounding.grid, scales: 'hessian' } : rounding.grid;
  for (const { weight, gram, clipped = false, layer } of linears) {
    const squares = squaresOf(gram).map((square, c) => square / scale[c] ** 2);
    const values = await roundToNearest(multiplyColumns(weight, scale, kernels), squares, {
      ...rounding,
      ...(clipped && { grid: shrinking }),
      layer,
    });
    const { data, columns } = values;
    for (let start = 0; start < data.length; start += columns)
      for (let c = 0; c < columns; c++) data[start + c] /= scale[c];
    yield values;
  }
}

/** The sum over Linears of tokens x tr((W - Q) G (W - Q)^T). */
async function gramCost(
  linears: AwqSearch['linears'],
  rounded: AsyncIterable<Matrix>,
  kernels: Kernels,
): Promise<number> {
  let cost = 0;
  let i = 0;
  for await (const right of rounded) {
    const { weight, gram, tokens = 1 } = linears[i++];
    cost += tokens * sum(await kernels.weightedError({ left: weight, right, hessian: gram }));
  }
  return cost;
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
