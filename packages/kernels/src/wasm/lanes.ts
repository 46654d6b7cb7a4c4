import type { CodeGrid, GroupScales } from '../code-grid.ts';
import { levelThresholds } from '../level-thresholds.ts';
import type { Matrix } from '../matrix.ts';
import type { Instance } from './instance.ts';
import { DEPTH_BLOCK, type Factor, pack, packedBlock, packedBytes, stageRows, unstageRows } from './pack.ts';

/**
 * Kernels that go through the columns of a weight one after another hold some of its rows transposed, [columns][lanes]: a lane is a
 * row, so a column is contiguous and the rows, which are independent, fill the vectors. Lanes come in strips of 32.
 */
export const STRIP = 32;

/** Floats of one transposed window: 16 MiB. */
const WINDOW = 4 * 1024 * 1024;
/** More lanes than this no longer make the products over them faster. */
const MAX_LANES = 512;
/** Floats transposed at once. */
const STAGE = 262144;

/** How many rows to take at once when `windows` buffers of `columns` each are needed. */
export const laneCount = (columns: number, windows: number) =>
  Math.min(MAX_LANES, Math.max(1, Math.floor(WINDOW / windows / Math.max(1, columns) / STRIP)) * STRIP);

/** Rows [row, row + rows) of a weight, as lanes. `lanes` is `rows` rounded up to whole strips; what the others hold is never read. */
export interface Lanes {
  readonly row: number;
  readonly rows: number;
  readonly lanes: number;
}

/** Cuts rows [from, to) into windows of at most `limit` lanes. */
export function* laneWindows(from: number, to: number, limit: number): Generator<Lanes> {
  for (let row = from; row < to; row += limit) {
    const rows = Math.min(limit, to - row);
    yield { row, rows, lanes: Math.ceil(rows / STRIP) * STRIP };
  }
}

/** Stages columns [start, end) of the window's rows at `address`, transposed. */
export function stageLanes(
  instance: Instance,
  matrix: Matrix,
  window: Lanes,
  start: number,
  end: number,
  address: number,
): void {
  forBatches(instance, window, end - start, 4, (stage, first, rows) => {
    stageRows(
      instance,
      { data: matrix.data, stride: matrix.columns },
      window.row + first,
      rows,
      start,
      end - start,
      stage,
    );
    instance.wasm.transpose(stage, (end - start) * 4, rows, end - start, address + first * 4, window.lanes * 4);
  });
}

/** The way back of {@link stageLanes}. */
export function unstageLanes(
  instance: Instance,
  matrix: Matrix,
  window: Lanes,
  start: number,
  end: number,
  address: number,
): void {
  forBatches(instance, window, end - start, 4, (stage, first, rows) => {
    instance.wasm.transpose(address + first * 4, window.lanes * 4, end - start, rows, stage, (end - start) * 4);
    unstageRows(
      instance,
      { data: matrix.data, stride: matrix.columns },
      window.row + first,
      rows,
      start,
      end - start,
      stage,
    );
  });
}

/** {@link stageLanes} for the bytes of codes and masks, `[rows, columns]`. */
export function stageByteLanes(
  instance: Instance,
  bytes: Uint8Array,
  columns: number,
  window: Lanes,
  start: number,
  end: number,
  address: number,
): void {
  forBatches(instance, window, end - start, 1, (stage, first, rows) => {
    for (let r = 0; r < rows; r++) {
      const at = (window.row + first + r) * columns;
      instance.write(stage + r * (end - start), bytes.subarray(at + start, at + end));
    }
    instance.wasm.transposeBytes(stage, end - start, rows, end - start, address + first, window.lanes);
  });
}

/** The way back of {@link stageByteLanes}. */
export function unstageByteLanes(
  instance: Instance,
  bytes: Uint8Array,
  columns: number,
  window: Lanes,
  start: number,
  end: number,
  address: number,
): void {
  forBatches(instance, window, end - start, 1, (stage, first, rows) => {
    instance.wasm.transposeBytes(address + first, window.lanes, end - start, rows, stage, end - start);
    for (let r = 0; r < rows; r++) {
      const at = (window.row + first + r) * columns;
      instance.read(stage + r * (end - start), bytes.subarray(at + start, at + end));
    }
  });
}

function forBatches(
  instance: Instance,
  window: Lanes,
  width: number,
  size: number,
  visit: (stage: number, first: number, rows: number) => void,
): void {
  if (width === 0) return;
  const mark = instance.mark();
  const batch = Math.min(window.rows, Math.max(1, Math.floor(STAGE / width / STRIP)) * STRIP);
  const stage = instance.take(batch * width * size);
  for (let first = 0; first < window.rows; first += batch) visit(stage, first, Math.min(batch, window.rows - first));
  instance.release(mark);
}

/** The addresses of staged scales: `scales` and `zeros` are [groups][lanes], `group` is u32 by column. */
export interface LaneScales {
  readonly scales: number;
  readonly zeros: number;
  readonly group: number;
}

export function stageScales(instance: Instance, from: GroupScales, window: Lanes): LaneScales {
  const { groups } = from;
  const rows = from.scales.length / Math.max(1, groups);
  const scales = instance.take(groups * window.lanes * 4);
  const zeros = instance.take(groups * window.lanes * 4);
  const group = instance.take(from.group.length * 4);
  stageLanes(instance, { rows, columns: groups, data: from.scales }, window, 0, groups, scales);
  stageLanes(instance, { rows, columns: groups, data: from.zeros }, window, 0, groups, zeros);
  instance.write(group, from.group);
  return { scales, zeros, group };
}

/** Sets the grid of the sweeps and descents that follow on this instance. */
export function setGrid(instance: Instance, grid: CodeGrid | undefined): void {
  if (!grid) instance.wasm.setGrid(0, 0, 0, 0, 0);
  else if (grid.kind === 'integer') instance.wasm.setGrid(1, grid.maxCode, 0, 0, 0);
  else {
    const thresholds = levelThresholds(grid.levels);
    const levels = instance.take(grid.levels.byteLength);
    const bounds = instance.take(thresholds.byteLength);
    instance.write(levels, grid.levels);
    instance.write(bounds, thresholds);
    instance.wasm.setGrid(2, 0, levels, bounds, grid.levels.length);
  }
}

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
  const { wasm } = instance;
  const { depth, lanes } = p;
  if (p.count === 0) return;
  const tileRows = wasm.tileRows();
  const tileColumns = wasm.tileColumns();
  const height = Math.max(1, Math.floor(STAGE / depth / ROWS)) * ROWS;
  const mark = instance.mark();
  const left = instance.take(packedBytes(Math.min(height, p.count), depth, tileRows));
  for (let row = 0; row < p.count; row += height) {
    const rows = Math.min(height, p.count - row);
    pack(instance, p.left, { first: p.first + row, count: rows, start: 0, depth }, tileRows, left, p.negate);
    const target = p.target + row * lanes * 4;
    for (let block = 0; block * DEPTH_BLOCK < depth; block++) {
      const a = packedBlock(left, rows, depth, tileRows, block);
      const b = packedBlock(p.right, lanes, depth, tileColumns, block);
      wasm.multiplyPanels(
        rows,
        lanes,
        a.depth,
        a.address,
        a.panelStride,
        b.address,
        b.panelStride,
        target,
        lanes * 4,
        false,
        0,
      );
    }
  }
  instance.release(mark);
}

/** A multiple of the tile heights 5 and 6. */
const ROWS = 240;

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
