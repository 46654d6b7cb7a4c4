import type { Matrix } from '../matrix.ts';
import type { Instance } from '../wasm/instance.ts';
import { DEPTH_BLOCK, pack, packedBlock, packedBytes } from '../wasm/pack.ts';
import { stageRows } from '../wasm/stage.ts';
import type { Operation } from './operation.ts';

/** Columns of the inverse found together: with 256 of them, what is solved no longer fits a second-level cache, and n = 1536 took half as long again. */
const COLUMNS = 128;
/** Rows of the inverse found together; divides {@link COLUMNS} and the depth block, so that a block of rows lies in one k-block. */
const ROWS = 64;

/**
 * The inverse X of a lower triangular L: columns [c, c + COLUMNS) of X are the solution of L X = I, block row after block row.
 * The columns are independent, so nothing waits. X^T is written into the strictly upper triangle, which holds nothing, while all
 * threads still read L; its diagonal is 1 / diagonal(L).
 */
export const invertColumns: Operation<{ readonly matrix: Matrix }> = {
  check() {},
  units: ({ matrix }) => matrix.rows,
  granule: () => COLUMNS,
  schedule: 'dynamic',
  work: ({ matrix }) => matrix.rows ** 3 / 3,
  writes: ({ matrix }) => [matrix.data],
  run(instance, { matrix }, from, to) {
    for (let first = from; first < to; first += COLUMNS) {
      const mark = instance.mark();
      solveWindow(instance, matrix, first, Math.min(COLUMNS, to - first));
      instance.release(mark);
    }
  },
};

function solveWindow(instance: Instance, matrix: Matrix, first: number, columns: number): void {
  const { wasm } = instance;
  const { rows: size, data } = matrix;
  const tileRows = wasm.tileRows();
  const tileColumns = wasm.tileColumns();
  // Sums begin at a k-block's border, where X is still 0, so that the blocks are the same for every window.
  const origin = Math.floor(first / DEPTH_BLOCK) * DEPTH_BLOCK;
  const depth = size - origin;
  const solved = instance.take(packedBytes(columns, depth, tileColumns));
  instance.clear(solved, packedBytes(columns, Math.min(DEPTH_BLOCK, depth), tileColumns));
  const left = instance.take(packedBytes(ROWS, depth, tileRows));
  const triangle = instance.take(ROWS * ROWS * 4);
  const tile = instance.take(ROWS * columns * 4);
  // X^T, [columns][depth].
  const inverse = instance.take(columns * depth * 4);

  for (let row = first; row < size; row += ROWS) {
    const rows = Math.min(ROWS, size - row);
    instance.clear(tile, rows * columns * 4);
    for (let r = row; r < Math.min(row + rows, first + columns); r++) {
      instance.write(tile + ((r - row) * columns + (r - first)) * 4, ONE);
    }
    const before = row - origin;
    const factor = { data, along: 'rows', stride: size } as const;
    pack(instance, factor, { first: row, count: rows, start: origin, depth: before }, tileRows, left, true);
    for (let block = 0; block * DEPTH_BLOCK < before; block++) {
      const a = packedBlock(left, rows, before, tileRows, block);
      const b = packedBlock(solved, columns, depth, tileColumns, block);
      wasm.multiplyPanels(
        rows,
        columns,
        a.depth,
        a.address,
        a.panelStride,
        b.address,
        b.panelStride,
        tile,
        columns * 4,
        false,
        0,
      );
    }
    stageRows(instance, { data, stride: size }, row, rows, row, rows, triangle);
    wasm.solveColumns(rows, triangle, rows * 4, tile, columns * 4, columns);

    const block = Math.floor(before / DEPTH_BLOCK);
    const target = packedBlock(solved, columns, depth, tileColumns, block);
    const within = (before - block * DEPTH_BLOCK) * tileColumns * 4;
    wasm.packColumns(tile, columns * 4, columns, rows, tileColumns, target.address + within, target.panelStride, 0);

    wasm.transpose(tile, columns * 4, rows, columns, inverse + before * 4, depth * 4);
  }
  for (let c = first; c < first + columns; c++) {
    const start = c + 1;
    const address = inverse + ((c - first) * depth + start - origin) * 4;
    instance.read(address, data.subarray(c * size + start, (c + 1) * size));
  }
}

const ONE = Float32Array.of(1);
