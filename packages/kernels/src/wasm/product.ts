import type { Instance } from './instance.ts';
import { DEPTH_BLOCK, type Factor, pack, packedBlock, packedBytes } from './pack.ts';
import { type StoredRows, stageRows, unstageRows } from './stage.ts';

/** From the first up to, not including, the second. */
export type Range = readonly [number, number];

/** C[i, j] (+)= sum_k left[i, k] right[j, k] for i in `rows`, j in `columns`, k in [0, depth). */
export interface Product {
  readonly left: Factor;
  readonly right: Factor;
  readonly rows: Range;
  readonly columns: Range;
  readonly depth: number;
  /** C[i, j] is `data[offset + i * stride + j]`. */
  readonly output: StoredRows;
  /** Adds to what is in C; otherwise C is overwritten. */
  readonly accumulate: boolean;
  /** `[columns of C]`, added to every row. */
  readonly bias?: Float32Array | undefined;
  readonly negate?: boolean | undefined;
}

/** Depth packed at once: longer products pass over C again. */
const DEPTH_WINDOW = 4096;
/** Floats of the packed right factor: 16 MiB, reused by every row window. */
const RIGHT_WINDOW = 4 * 1024 * 1024;
/** Rows of C computed at once: a multiple of the tile heights 5 and 6, whose packed k-block (240 KiB) stays in a second-level cache. */
export const ROW_WINDOW = 240;
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
  const height = Math.min(ROW_WINDOW, p.rows[1] - p.rows[0]);
  const left = instance.take(packedBytes(height, depth, wasm.tileRows()));
  const tile = instance.take(height * count * 4);
  const bias = p.bias && start === 0 ? stageBias(instance, p.bias, first, count) : undefined;
  for (let row = p.rows[0]; row < p.rows[1]; row += ROW_WINDOW) {
    const rows = Math.min(ROW_WINDOW, p.rows[1] - row);
    if (p.accumulate || start > 0) stageRows(instance, p.output, row, rows, first, count, tile);
    else instance.clear(tile, rows * count * 4);
    if (bias !== undefined) wasm.addRow(tile, count * 4, rows, count, bias);
    pack(instance, p.left, { first: row, count: rows, start, depth }, wasm.tileRows(), left, p.negate);
    multiplyPacked(instance, { left, right, rows, columns: count, packed: { rows, columns: count }, depth, tile });
    unstageRows(instance, p.output, row, rows, first, count, tile);
  }
}

function stageBias(instance: Instance, bias: Float32Array, first: number, count: number): number {
  const address = instance.take(count * 4);
  instance.write(address, bias.subarray(first, first + count));
  return address;
}

/** C[rows, columns] += left right^T for two packed windows; `tile` is C, contiguous. */
export interface PackedProduct {
  readonly left: number;
  readonly right: number;
  /** The panels to multiply: `rows` from the `skip`-th on (default 0, a multiple of the tile's height) and the first `columns`. */
  readonly rows: number;
  readonly columns: number;
  readonly skip?: number;
  /** How many rows and columns were packed. */
  readonly packed: { readonly rows: number; readonly columns: number };
  readonly depth: number;
  readonly tile: number;
  /** Only elements with column <= row + shift. */
  readonly shift?: number;
}

/** Goes through the k-blocks of two packed windows. */
export function multiplyPacked(instance: Instance, p: PackedProduct): void {
  const { wasm } = instance;
  const tileRows = wasm.tileRows();
  for (let block = 0; block * DEPTH_BLOCK < p.depth; block++) {
    const a = packedBlock(p.left, p.packed.rows, p.depth, tileRows, block);
    const b = packedBlock(p.right, p.packed.columns, p.depth, wasm.tileColumns(), block);
    wasm.multiplyPanels(
      p.rows,
      p.columns,
      a.depth,
      a.address + ((p.skip ?? 0) / tileRows) * a.panelStride,
      a.panelStride,
      b.address,
      b.panelStride,
      p.tile,
      p.columns * 4,
      p.shift !== undefined,
      p.shift ?? 0,
    );
  }
}
