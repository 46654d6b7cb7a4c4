import type { Matrix } from '../matrix.ts';
import type { Instance } from './instance.ts';
import { packLanes } from './lane-products.ts';
import { DEPTH_BLOCK, pack, packedBlock, packedBytes } from './pack.ts';
import { multiplyPacked } from './product.ts';

/** Lanes of vectors and the part of a symmetric matrix that they meet. */
export interface QuadraticForms {
  /** H, of which rows and columns [first, first + size) count. */
  readonly hessian: Matrix;
  readonly first: number;
  readonly size: number;
  /** [size][lanes] */
  readonly vectors: number;
  readonly lanes: number;
  /** [lanes], f64. */
  readonly sums: number;
}

/**
 * sums[lane] += x^T H x, x being the lane's vector. Of each block of the rows of H only what lies left of the diagonal is multiplied, and counts twice, and
 * the block on the diagonal.
 */
export function addQuadraticForms(instance: Instance, p: QuadraticForms): void {
  const { hessian, first, size, vectors, lanes, sums } = p;
  const { wasm } = instance;
  const stored = { data: hessian.data, along: 'rows', stride: hessian.columns } as const;
  const mark = instance.mark();
  const width = wasm.tileColumns();
  const right = instance.take(packedBytes(lanes, size, width));
  packLanes(instance, vectors, lanes * 4, size, { lane: 0, count: lanes, lanes }, right);
  const left = instance.take(packedBytes(DEPTH_BLOCK, size, wasm.tileRows()));
  const gradient = instance.take(DEPTH_BLOCK * lanes * 4);
  for (let row = 0; row < size; row += DEPTH_BLOCK) {
    const rows = Math.min(DEPTH_BLOCK, size - row);
    const add = (start: number, depth: number, times: number) => {
      const at = { first: first + row, count: rows, start: first + start, depth };
      pack(instance, stored, at, wasm.tileRows(), left);
      instance.clear(gradient, rows * lanes * 4);
      multiplyPacked(instance, {
        left,
        right: packedBlock(right, lanes, size, width, start / DEPTH_BLOCK).address,
        rows,
        columns: lanes,
        packed: { rows, columns: lanes },
        depth,
        tile: gradient,
      });
      for (let i = 0; i < times; i++) wasm.addLaneDots(rows, lanes, vectors + row * lanes * 4, gradient, sums);
    };
    if (row > 0) add(0, row, 2);
    add(row, rows, 1);
  }
  instance.release(mark);
}
