import {
  columnsPerGroup,
  type Factorization,
  factorizeGram,
  fitGrid,
  type Grid,
  type GridChoice,
  type GroupSize,
  type QuantizedWeight,
  requireFinite,
  requireZero,
  resolveGrid,
  withKernels,
} from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import type { MagnitudeRequest } from './prune-magnitude.ts';
import { type PrunedWeight, prunedWeight } from './pruned-weight.ts';
import { refitKept } from './refit-kept.ts';
import { requireColumns, resolveSparsity } from './sparsity.ts';
import { type Rounding, sweepPruned } from './sweep-pruned.ts';

/** One Linear, what it reads, and how to prune it. */
export interface SparseGptRequest extends MagnitudeRequest {
  /** `[in, in]`, symmetric: the sum of x^T x over calibration tokens, times any constant. It is not changed. */
  readonly gram: Matrix;
  /** What is kept is rounded to this grid in the same sweep. Absent: it stays in floats. */
  readonly grid?: Grid | GridChoice | undefined;
  /** With a grid. @default 128 */
  readonly groupSize?: GroupSize;
  /** @default 0.01 */
  readonly damping?: number;
  /** Columns that are judged together. @default 128 */
  readonly blockSize?: number;
  /** Passes afterwards that better what was kept. @default { sweeps: 10 } */
  readonly polish?: { readonly sweeps: number };
  /** Of the same gram and damping, in the order of columns; absent: made here. Linears that share a site share it. */
  readonly factorization?: Factorization;
  /** Absent: made for this call, which costs a tenth of a second. */
  readonly kernels?: Kernels;
}

/** The new weight, and what it costs. */
export interface SparseGptResult extends PrunedWeight {
  /** With a grid: the codes of `weight`. */
  readonly quantized?: QuantizedWeight;
  /** tr((W - P) G (W - P)^T) for the gram as it was given. */
  readonly loss: number;
  /** The damping that was needed. */
  readonly damping: number;
  readonly warnings: Factorization['warnings'];
}

/**
 * SparseGPT (Frantar and Alistarh, 2023): prunes what the others can best make good, and lets them. With a grid, one sweep prunes and
 * quantizes (section 3.5 there).
 *
 * Throws `CompressError`: `weight-not-finite`, `gram-not-finite`, `gram-not-positive`, `sparsity-invalid`, `grid-invalid`, `grid-without-zero`,
 * `group-size`.
 */
export function pruneSparseGpt(request: SparseGptRequest): Promise<SparseGptResult> {
  return withKernels(request.kernels, (kernels) => prune(request, kernels));
}

async function prune(request: SparseGptRequest, kernels: Kernels): Promise<SparseGptResult> {
  const { weight, gram, damping = 0.01, blockSize = 128, layer } = request;
  const { sweeps } = request.polish ?? { sweeps: 10 };
  requireFinite('weight', weight, { layer });
  const sparsity = resolveSparsity(request, layer);
  requireColumns(weight.columns, sparsity, layer);
  const factorization =
    request.factorization ?? (await factorizeGram({ gram, strongestFirst: false, damping, layer, kernels }));
  const mask = Uint8Array.from(request.mask ?? new Uint8Array(weight.data.length));
  const rounding =
    request.grid === undefined ? undefined : await fitRounding(request, resolveGrid(request.grid), kernels);
  const values = await sweepPruned({ weight, factorization, sparsity, blockSize, mask, rounding, kernels });
  if (rounding) await descend(rounding);
  else if (sweeps > 0) {
    const hessian = dampedHessian(gram, factorization, kernels);
    await refitKept({ weight, values, mask, hessian, steps: sweeps, kernels });
  }
  const pruned = prunedWeight(weight, values, mask);
  const byRow = await kernels.weightedError({ left: weight, right: pruned.weight, hessian: gram });
  return {
    ...pruned,
    ...(rounding && { quantized: { rows: weight.rows, columns: weight.columns, ...rounding } }),
    loss: byRow.reduce((sum, loss) => sum + loss, 0),
    damping: factorization.damping,
    warnings: factorization.warnings,
  };

  async function descend({ grid, scales, codes }: Rounding): Promise<void> {
    for (let i = 0; i < sweeps; i++)
      await kernels.descend({ weight, hessian: gram, grid: grid.codes, scales, quantized: values, codes, mask });
  }
}

/** Scales are those of the dense weight (section 3.5 of the paper): the sweep has not yet begun. */
async function fitRounding(
  { weight, gram, groupSize = 128, layer }: SparseGptRequest,
  choice: Grid,
  kernels: Kernels,
): Promise<Rounding> {
  requireZero(choice, layer);
  const { columns } = weight;
  const importance = Float32Array.from({ length: columns }, (_, c) => gram.data[c * columns + c]);
  const { grid, scales } = await fitGrid({ weight, grid: choice, groupSize, importance, layer, kernels });
  const codes = kernels.uint8(weight.data.length);
  return { grid, groupSize: columnsPerGroup(columns, groupSize), scales, codes };
}

function dampedHessian(gram: Matrix, { added }: Factorization, kernels: Kernels): Matrix {
  const n = gram.columns;
  const hessian = kernels.matrix(n, n);
  hessian.data.set(gram.data);
  for (let c = 0; c < n; c++) hessian.data[c * n + c] += added[c];
  return hessian;
}
