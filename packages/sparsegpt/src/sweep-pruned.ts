import { errorCosts, type Factorization, type Grid, type StoredScales } from '@compress/core';
import type { Kernels, Matrix } from '@compress/kernels';
import { type Block, chooseBlock } from './choose-block.ts';
import type { Sparsity } from './sparsity.ts';

/** A grid and its scales, both as they are before the sweep, and the codes that it writes. */
export interface Rounding {
  readonly grid: Grid;
  /** Columns. */
  readonly groupSize: number;
  readonly scales: StoredScales;
  /** `[R, n]` */
  readonly codes: Uint8Array;
}

/** Shapes: R rows (outputs), n columns (inputs). */
export interface PrunedSweep {
  /** `[R, n]` */
  readonly weight: Matrix;
  readonly factorization: Factorization;
  readonly sparsity: Sparsity;
  readonly blockSize: number;
  /** `[R, n]`: changed in place; what it holds already stays pruned. */
  readonly mask: Uint8Array;
  /** Rounds what is kept on the way. */
  readonly rounding?: Rounding | undefined;
  readonly kernels: Kernels;
}

/**
 * SparseGPT's sweep (Frantar and Alistarh, 2023, algorithm 1): each block of columns is judged by w^2 / U_cc^2 when its turn comes, with the
 * errors of earlier columns in it, and each pruned weight is made good by the later ones. Returns the new weights `[R, n]`.
 */
export async function sweepPruned(p: PrunedSweep): Promise<Matrix> {
  const { weight, factorization, sparsity, mask, rounding, kernels } = p;
  const { rows, columns } = weight;
  const { factor } = factorization;
  const work = kernels.matrix(rows, columns);
  work.data.set(weight.data);
  const costs = errorCosts(factorization);
  // What was never heard in calibration goes first; where nothing was, magnitude decides.
  const { deadColumns } = factorization;
  if (deadColumns.length < columns) for (const column of deadColumns) costs[column] = 0;
  const size =
    sparsity.kind === 'share' ? p.blockSize : Math.max(1, Math.floor(p.blockSize / sparsity.of)) * sparsity.of;
  for (let from = 0; from < columns; from += size) {
    const block = { rows, columns, from, to: Math.min(from + size, columns) };
    if (sparsity.kind === 'share') chooseBlock(block, sparsity, (at, c) => work.data[at] ** 2 * costs[c], mask);
    else await choosePattern(p, work, costs, block);
    await kernels.sweep({
      weight: work,
      factor,
      from,
      to: block.to,
      blockSize: size,
      ...(rounding && { grid: rounding.grid.codes, scales: rounding.scales, codes: rounding.codes }),
      mask,
      loss: new Float64Array(rows),
    });
  }
  return work;
}

/**
 * A pattern's groups are judged one by one, each with the errors of all columns before it: the block is swept once on a copy to find its
 * mask, since updating all later columns a group at a time would cost far more.
 */
async function choosePattern(
  p: PrunedSweep,
  work: Matrix,
  costs: Float32Array,
  { rows, columns, from, to }: Block,
): Promise<void> {
  const { factorization, sparsity, mask, kernels } = p;
  if (sparsity.kind !== 'pattern') return;
  const width = to - from;
  const weight = kernels.matrix(rows, width);
  const factor = kernels.matrix(width, width);
  const part = new Uint8Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const start = r * columns + from;
    weight.data.set(work.data.subarray(start, start + width), r * width);
    part.set(mask.subarray(start, start + width), r * width);
  }
  for (let r = 0; r < width; r++) {
    const start = (from + r) * columns + from;
    factor.data.set(factorization.factor.data.subarray(start, start + width), r * width);
  }
  const rounding = p.rounding && {
    grid: p.rounding.grid.codes,
    scales: { ...p.rounding.scales, group: p.rounding.scales.group.slice(from, to) },
    codes: kernels.uint8(rows * width),
  };
  const loss = new Float64Array(rows);
  for (let start = 0; start < width; start += sparsity.of) {
    const group = { rows, columns: width, from: start, to: start + sparsity.of };
    chooseBlock(group, sparsity, (at, c) => weight.data[at] ** 2 * costs[from + c], part);
    await kernels.sweep({ weight, factor, from: start, to: group.to, blockSize: width, ...rounding, mask: part, loss });
  }
  for (let r = 0; r < rows; r++) mask.set(part.subarray(r * width, (r + 1) * width), r * columns + from);
}
