import { product } from '../wasm/product.ts';
import { stageRows, unstageRows } from '../wasm/stage.ts';
import type { BlockColumn } from './cholesky-diagonal.ts';
import type { Operation } from './operation.ts';

/** Rows solved at once. */
const ROWS = 1024;

/** The rows below a factored diagonal block: subtracts what the columns before explain, then solves with the block's triangle. */
export const choleskyPanel: Operation<BlockColumn> = {
  check() {},
  units: ({ matrix, start, width }) => matrix.rows - start - width,
  granule: () => 32,
  schedule: 'static',
  work: ({ matrix, start, width }) => (matrix.rows - start) * width * (2 * start + width),
  writes: ({ matrix }) => [matrix.data],
  run(instance, { matrix, start, width }, from, to) {
    const stride = matrix.columns;
    const below = (start + width) * stride;
    const output = { data: matrix.data, stride, offset: below + start };
    product(instance, {
      left: { data: matrix.data, along: 'rows', stride, offset: below },
      right: { data: matrix.data, along: 'rows', stride, offset: start * stride },
      rows: [from, to],
      columns: [0, width],
      depth: start,
      output,
      accumulate: true,
      negate: true,
    });
    const triangle = instance.take(width * width * 4);
    stageRows(instance, { data: matrix.data, stride, offset: start * stride + start }, 0, width, 0, width, triangle);
    const panel = instance.take(ROWS * width * 4);
    for (let row = from; row < to; row += ROWS) {
      const rows = Math.min(ROWS, to - row);
      stageRows(instance, output, row, rows, 0, width, panel);
      instance.wasm.solveRows(width, triangle, width * 4, panel, width * 4, rows);
      unstageRows(instance, output, row, rows, 0, width, panel);
    }
  },
};
