import type { Instance } from './instance.ts';
import { DEPTH_BLOCK, type Factor, pack, packedBlock, packedBytes } from './pack.ts';
import { multiplyPacked, ROW_WINDOW } from './product.ts';

/** Floats of the left factor packed at once: 1 MiB stays in a second-level cache. */
const LEFT_WINDOW = 262144;

/** target[count][lanes] += P right, or -= with `negate`: P is columns or rows of a square matrix, `right` is packed and of the same depth. */
export function addProduct(
  instance: Instance,
  p: {
    readonly left: Factor;
    readonly first: number;
    readonly count: number;
    readonly depth: number;
    readonly negate: boolean;
    readonly right: number;
    readonly lanes: number;
    readonly target: number;
  },
): void {
  const { depth, lanes } = p;
  if (p.count === 0) return;
  const tileRows = instance.wasm.tileRows();
  const height = Math.max(1, Math.floor(LEFT_WINDOW / depth / ROW_WINDOW)) * ROW_WINDOW;
  const mark = instance.mark();
  const left = instance.take(packedBytes(Math.min(height, p.count), depth, tileRows));
  for (let row = 0; row < p.count; row += height) {
    const rows = Math.min(height, p.count - row);
    pack(instance, p.left, { first: p.first + row, count: rows, start: 0, depth }, tileRows, left, p.negate);
    multiplyPacked(instance, {
      left,
      right: p.right,
      rows,
      columns: lanes,
      packed: { rows, columns: lanes },
      depth,
      tile: p.target + row * lanes * 4,
    });
  }
  instance.release(mark);
}

/** Packs [depth][lanes] rows, `stride` bytes apart, as part of a right factor of `lanes` columns in all; `lane` is the first column packed. */
export function packLanes(
  instance: Instance,
  source: number,
  stride: number,
  depth: number,
  at: { readonly lane: number; readonly count: number; readonly lanes: number },
  target: number,
): void {
  const width = instance.wasm.tileColumns();
  for (let block = 0; block * DEPTH_BLOCK < depth; block++) {
    const to = packedBlock(target, at.lanes, depth, width, block);
    const from = source + block * DEPTH_BLOCK * stride;
    const address = to.address + (at.lane / width) * to.panelStride;
    instance.wasm.packColumns(from, stride, at.count, to.depth, width, address, to.panelStride, 0);
  }
}
