import type { Matrix } from '../matrix.ts';
import { product } from '../wasm/product.ts';
import { stageRows, unstageRows } from '../wasm/stage.ts';
import type { Operation } from './operation.ts';

/** One block column [start, start + width) of a left-looking Cholesky. */
export interface BlockColumn {
  readonly matrix: Matrix;
  readonly start: number;
  readonly width: number;
  /** `[1]`: 0, or 1 + the index of the first pivot that is not positive. */
  readonly status: Uint32Array;
}

/** The widest block column: the largest triangle that `assembly/triangular.ts` takes. */
export const BLOCK_COLUMN = 128;

/** The diagonal block of a block column: subtracts what the columns before it explain, then factors it. Runs on the calling thread. */
export const choleskyDiagonal: Operation<BlockColumn> = {
  check() {},
  units: () => 1,
  work: () => 0,
  writes: ({ matrix, status }) => [matrix.data, status],
  run(instance, { matrix, start, width, status }) {
    const stride = matrix.columns;
    const rows = { data: matrix.data, along: 'rows', stride, offset: start * stride } as const;
    const block = { data: matrix.data, stride, offset: start * stride + start };
    product(instance, {
      left: rows,
      right: rows,
      rows: [0, width],
      columns: [0, width],
      depth: start,
      output: block,
      accumulate: true,
      negate: true,
    });
    const window = instance.take(width * width * 4);
    stageRows(instance, block, 0, width, 0, width, window);
    const failed = instance.wasm.choleskyBlock(width, window, width * 4);
    unstageRows(instance, block, 0, width, 0, width, window);
    status[0] = failed === 0 ? 0 : start + failed;
  },
};
