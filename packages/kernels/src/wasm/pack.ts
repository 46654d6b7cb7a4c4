import type { Instance } from './instance.ts';
import { type StoredRows, stageRows } from './stage.ts';

/**
 * A factor P[p, k] of a product sum_k A[i, k] B[j, k], in a buffer of any size: `rows` means that P[p, k] is
 * `data[offset + p * stride + k]`, `columns` that it is `data[offset + k * stride + p]`.
 */
export interface Factor extends StoredRows {
  readonly along: 'rows' | 'columns';
}

/** A rectangle of a factor: p in [first, first + count), k in [start, start + depth). */
export interface Rectangle {
  readonly first: number;
  readonly count: number;
  readonly start: number;
  readonly depth: number;
}

/**
 * The depth of one chain of multiply-adds. It decides the rounding, so it is the same for all builds, operations and threads. 256
 * floats of a 16-wide panel are 16 KiB, a third of a first-level cache.
 */
export const DEPTH_BLOCK = 256;

/** Floats staged at once before they are packed: 1 MiB stays in a second-level cache. */
const STAGE = 262144;

const SIGN_BIT = 0x80000000 | 0;

/** Bytes of the packed form of a rectangle. */
export const packedBytes = (count: number, depth: number, width: number) =>
  Math.ceil(count / width) * width * depth * 4;

/** Where k-block `block` of a packed rectangle begins, and how far apart its panels are. */
export function packedBlock(address: number, count: number, depth: number, width: number, block: number) {
  const blockDepth = Math.min(DEPTH_BLOCK, depth - block * DEPTH_BLOCK);
  return {
    address: address + packedBytes(count, block * DEPTH_BLOCK, width),
    depth: blockDepth,
    panelStride: blockDepth * width * 4,
  };
}

/** Stages a rectangle batch by batch and packs it at `address` as panels of `width`, k-block by k-block; `negate` packs -P. */
export function pack(
  instance: Instance,
  factor: Factor,
  at: Rectangle,
  width: number,
  address: number,
  negate = false,
): void {
  const mark = instance.mark();
  const sign = negate ? SIGN_BIT : 0;
  if (factor.along === 'rows') packByRows(instance, factor, at, width, address, sign);
  else packByColumns(instance, factor, at, width, address, sign);
  instance.release(mark);
}

function packByRows(
  instance: Instance,
  factor: Factor,
  at: Rectangle,
  width: number,
  address: number,
  sign: number,
): void {
  const { first, count, start, depth } = at;
  if (count === 0 || depth === 0) return;
  const batch = Math.max(1, Math.floor(STAGE / (width * depth))) * width;
  const stage = instance.take(Math.min(batch, count) * depth * 4);
  for (let p = 0; p < count; p += batch) {
    const rows = Math.min(batch, count - p);
    stageRows(instance, factor, first + p, rows, start, depth, stage);
    for (let block = 0; block * DEPTH_BLOCK < depth; block++) {
      const target = packedBlock(address, count, depth, width, block);
      instance.wasm.packRows(
        stage + block * DEPTH_BLOCK * 4,
        depth * 4,
        rows,
        target.depth,
        width,
        target.address + (p / width) * target.panelStride,
        target.panelStride,
        sign,
      );
    }
  }
}

function packByColumns(
  instance: Instance,
  factor: Factor,
  at: Rectangle,
  width: number,
  address: number,
  sign: number,
): void {
  const { count, depth } = at;
  forColumnBatches(instance, factor, at, (stage, k, rows) => {
    packStaged(instance, stage, count, { first: 0, count, start: k, depth }, rows, width, address, sign);
  });
}

/** Packs from staged columns: `stage` holds depths [start, start + rows) of `staged` columns, of which `count` from `first` on are taken. */
function packStaged(
  instance: Instance,
  stage: number,
  staged: number,
  at: Rectangle,
  rows: number,
  width: number,
  address: number,
  sign: number,
): void {
  const block = Math.floor(at.start / DEPTH_BLOCK);
  const target = packedBlock(address, at.count, at.depth, width, block);
  const within = (at.start - block * DEPTH_BLOCK) * width * 4;
  instance.wasm.packColumns(
    stage + at.first * 4,
    staged * 4,
    at.count,
    rows,
    width,
    target.address + within,
    target.panelStride,
    sign,
  );
}

/** Stages a rectangle of a factor that lies by columns, batch by batch of its depth; no batch crosses a k-block. */
function forColumnBatches(
  instance: Instance,
  factor: Factor,
  at: Rectangle,
  visit: (stage: number, k: number, rows: number) => void,
): void {
  const { first, count, start, depth } = at;
  if (count === 0) return;
  const batch = Math.max(1, Math.min(DEPTH_BLOCK, Math.floor(STAGE / count)));
  const mark = instance.mark();
  const stage = instance.take(batch * count * 4);
  for (let k = 0; k < depth; ) {
    const rows = Math.min(batch, depth - k, DEPTH_BLOCK - (k % DEPTH_BLOCK));
    stageRows(instance, factor, start + k, rows, first, count, stage);
    visit(stage, k, rows);
    k += rows;
  }
  instance.release(mark);
}

/** One of several packings of the same factor: rows `first` .. `first + count` of P as panels of `width`. */
export interface Packing {
  readonly first: number;
  readonly count: number;
  readonly width: number;
  readonly address: number;
}

/** Packs columns [0, count) of a factor, depths [start, start + depth), in several ways from one staging. */
export function packTogether(instance: Instance, factor: Factor, at: Rectangle, packings: readonly Packing[]): void {
  forColumnBatches(instance, factor, at, (stage, k, rows) => {
    for (const { first, count, width, address } of packings) {
      packStaged(instance, stage, at.count, { first, count, start: k, depth: at.depth }, rows, width, address, 0);
    }
  });
}
