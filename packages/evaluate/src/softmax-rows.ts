import type { Kernels, Matrix } from '@compress/kernels';
import { logAddExp } from './log-add-exp.ts';

/** Softmax sums of rows whose logits come tile by tile. */
export interface SoftmaxRows {
  /** Logarithm of each row's sum of exponentials so far, `[rows]`. */
  readonly logSum: Float64Array;
  /** Adds a tile that begins at a row and an id; returns the logarithm of each of its rows' sums within it. */
  add(logits: Matrix, at: { readonly row: number; readonly id: number }, kernels: Kernels): Promise<Float64Array>;
  /** -log softmax(logits)[target] of each row, when all tiles were added. */
  nll(): Float64Array;
}

/** Sums for rows that ask for one target each. */
export function createSoftmaxRows(targets: Uint32Array): SoftmaxRows {
  const logSum = new Float64Array(targets.length).fill(Number.NEGATIVE_INFINITY);
  const targetLogit = new Float64Array(targets.length);
  return {
    logSum,
    async add(logits, { row, id }, kernels) {
      const { rows, columns, data } = logits;
      const inTile = (target: number) => target >= id && target < id + columns;
      // Where the target is elsewhere, any logit will do to get at the logarithm of the tile's sum.
      const picked = targets.subarray(row, row + rows).map((target) => (inTile(target) ? target - id : 0));
      const sums = await kernels.logSoftmaxPick({ logits, picked });
      for (let r = 0; r < rows; r++) {
        const logit = data[r * columns + picked[r]];
        sums[r] = logit - sums[r];
        logSum[row + r] = logAddExp(logSum[row + r], sums[r]);
        if (inTile(targets[row + r])) targetLogit[row + r] = logit;
      }
      return sums;
    },
    nll: () => logSum.map((sum, i) => sum - targetLogit[i]),
  };
}
