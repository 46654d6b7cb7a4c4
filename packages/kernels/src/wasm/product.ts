import type { Instance } from './instance.ts';
import { DEPTH_BLOCK, type Factor, pack, packedBlock, packedBytes, stageRows, unstageRows } from './pack.ts';

/** C[i, j] (+)= sum_k left[i, k] right[j, k] for i in `rows`, j in `columns`, k in [0, depth). */
export interface Product {
  readonly left: Factor;
  readonly right: Factor;
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
  readonly depth: number;
  /** C[i, j] is `data[offset + i * stride + j]`. */
  readonly output: Omit<Factor, 'along'>;
  /** Adds to what is in C; otherwise C is overwritten. */
  readonly accumulate: boolean;
  /** `[columns of C]`, added to every row. */
  readonly bias?: Float32Array | undefined;
  readonly negate?: boolean | undefined;
  /** Only elements with j <= i are computed; the others keep their values. Needs `accumulate`. */
  readonly lower?: boolean;
}

/** Depth packed at once: longer products pass over C again. */
const DEPTH_WINDOW = 4096;
/** Floats of the packed right factor: 16 MiB, reused by every row window. */
const RIGHT_WINDOW = 4 * 1024 * 1024;
/** Rows of C computed at once: a multiple of the tile heights 5 and 6, whose packed k-block (240 KiB) stays in a second-level cache. */
const ROW_WINDOW = 240;
const MAX_COLUMNS = 4096;

/** Multiplies through the instance's windows: the factors may be of any size. */
export function product(instance: Instance, p: Product): void {
  const [firstColumn, endColumn] = p.columns;
  const tileColumns = instance.wasm.tileColumns();
  let start = 0;
  do {
    const depth = Math.min(DEPTH_WINDOW, p.depth - start);
    const fitting = Math.floor(RIGHT_WINDOW / Math.max(1, depth) / tileColumns) * tileColumns;
    const step = Math.min(MAX_COLUMNS, fitting);
    for (let first = firstColumn; first < endColumn; first += step) {
      const count = Math.min(step, endColumn - first);
      const mark = instance.mark();
      const right = instance.take(packedBytes(count, depth, tileColumns));
      pack(instance, p.right, { first, count, start, depth }, tileColumns, right);
      multiplyRows(instance, p, { right, first, count, start, depth });
      instance.release(mark);
    }
    start += depth;
  } while (start < p.depth);
}

/** A packed window of the right factor. */
interface RightWindow {
  readonly right: number;
  readonly first: number;
  readonly count: number;
  readonly start: number;
  readonly depth: number;
}

function multiplyRows(instance: Instance, p: Product, window: RightWindow): void {
  const { wasm } = instance;
  const { right, first, count, start, depth } = window;
  const tileRows = wasm.tileRows();
  const tileColumns = wasm.tileColumns();
  const height = Math.min(ROW_WINDOW, p.rows[1] - p.rows[0]);
  const left = instance.take(packedBytes(height, depth, tileRows));
  const tile = instance.take(height * count * 4);
  const bias = p.bias && start === 0 ? stageBias(instance, p.bias, first, count) : undefined;

  for (let row = p.rows[0]; row < p.rows[1]; row += ROW_WINDOW) {
    const rows = Math.min(ROW_WINDOW, p.rows[1] - row);
    const columns = p.lower ? Math.min(count, row + rows - first) : count;
    if (columns <= 0) continue;
    pack(instance, p.left, { first: row, count: rows, start, depth }, tileRows, left, p.negate);
    if (p.accumulate || start > 0) stageRows(instance, p.output, row, rows, first, columns, tile);
    else instance.clear(tile, rows * columns * 4);
    if (bias !== undefined) wasm.addRow(tile, columns * 4, rows, columns, bias);
    for (let block = 0; block * DEPTH_BLOCK < depth; block++) {
      const a = packedBlock(left, rows, depth, tileRows, block);
      const b = packedBlock(right, count, depth, tileColumns, block);
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
        p.lower ?? false,
        row - first,
      );
    }
    unstageRows(instance, p.output, row, rows, first, columns, tile);
  }
}

function stageBias(instance: Instance, bias: Float32Array, first: number, count: number): number {
  const address = instance.take(count * 4);
  instance.write(address, bias.subarray(first, first + count));
  return address;
}
