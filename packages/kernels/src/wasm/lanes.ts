import type { Matrix } from '../matrix.ts';
import type { Instance } from './instance.ts';
import { stageRows, unstageRows } from './stage.ts';

/**
 * Kernels that go through the columns of a weight one after another hold some of its rows transposed, [columns][lanes]: a lane is a
 * row, so a column is contiguous and the rows, which are independent, fill the vectors. Lanes come in strips of 32.
 */
export const STRIP = 32;

/** Floats of one transposed window: 16 MiB. */
const WINDOW = 4 * 1024 * 1024;
/** More lanes than this no longer make the products over them faster. */
export const MAX_LANES = 512;
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
