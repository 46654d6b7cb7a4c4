import type { Instance } from './instance.ts';

/** Rows in a buffer of any size: row r begins at `offset + r * stride`. */
export interface StoredRows {
  readonly data: Float32Array;
  readonly stride: number;
  readonly offset?: number;
}

/** Copies `length` floats from `start` on of `rows` stored rows; one copy where they are contiguous. */
export function stageRows(
  instance: Instance,
  from: StoredRows,
  row: number,
  rows: number,
  start: number,
  length: number,
  address: number,
): void {
  const base = (from.offset ?? 0) + start;
  if (length === from.stride) {
    instance.write(address, from.data.subarray(base + row * length, base + (row + rows) * length));
    return;
  }
  for (let r = 0; r < rows; r++) {
    const at = base + (row + r) * from.stride;
    instance.write(address + r * length * 4, from.data.subarray(at, at + length));
  }
}

/** The way back of {@link stageRows}. */
export function unstageRows(
  instance: Instance,
  to: StoredRows,
  row: number,
  rows: number,
  start: number,
  length: number,
  address: number,
): void {
  const base = (to.offset ?? 0) + start;
  if (length === to.stride) {
    instance.read(address, to.data.subarray(base + row * length, base + (row + rows) * length));
    return;
  }
  for (let r = 0; r < rows; r++) {
    const at = base + (row + r) * to.stride;
    instance.read(address + r * length * 4, to.data.subarray(at, at + length));
  }
}
