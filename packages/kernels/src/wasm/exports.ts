import type { ElementExports } from './element-exports.ts';

/** The functions of the compiled module. Addresses and strides are bytes, everything else counts elements; see `assembly/`. */
export interface Exports extends ElementExports {
  /** The first address that the module itself does not use. */
  heapBase(): number;
  isFused(x: number): boolean;

  tileRows(): number;
  tileColumns(): number;
  packRows(
    source: number,
    stride: number,
    count: number,
    depth: number,
    width: number,
    target: number,
    panelStride: number,
    sign: number,
  ): void;
  packColumns(
    source: number,
    stride: number,
    count: number,
    depth: number,
    width: number,
    target: number,
    panelStride: number,
    sign: number,
  ): void;
  addRowProduct(weights: number, rows: number, depth: number, block: number, x: number, sums: number): void;
  multiplyPanels(
    rows: number,
    columns: number,
    depth: number,
    a: number,
    aPanelStride: number,
    b: number,
    bPanelStride: number,
    c: number,
    stride: number,
    lower: boolean,
    shift: number,
  ): void;
  widenRows(source: number, rows: number, columns: number, target: number, pairs: number): void;
  multiplyIntegerPanels(
    rows: number,
    columns: number,
    depth: number,
    a: number,
    aPanelStride: number,
    b: number,
    bPanelStride: number,
    c: number,
    stride: number,
  ): void;
  scaleIntegers(c: number, rows: number, columns: number, rowScales: number, columnScales: number, bias: number): void;
  addRow(c: number, stride: number, rows: number, columns: number, row: number): void;

  transpose(
    source: number,
    sourceStride: number,
    rows: number,
    columns: number,
    target: number,
    targetStride: number,
  ): void;
  transposeBytes(
    source: number,
    sourceStride: number,
    rows: number,
    columns: number,
    target: number,
    targetStride: number,
  ): void;
  choleskyBlock(size: number, a: number, stride: number): number;
  solveRows(size: number, l: number, lStride: number, x: number, xStride: number, rows: number): void;
  solveColumns(size: number, l: number, lStride: number, x: number, xStride: number, columns: number): void;

  setGrid(
    kind: number,
    maxCode: number,
    levels: number,
    thresholds: number,
    levelCount: number,
    levelStride: number,
    ownTables: boolean,
  ): void;
  sweepStrip(
    size: number,
    weight: number,
    stride: number,
    factor: number,
    scales: number,
    zeros: number,
    group: number,
    mask: number,
    codes: number,
    errors: number,
    loss: number,
  ): void;
  descendStrip(
    size: number,
    quantized: number,
    gradient: number,
    stride: number,
    hessian: number,
    scales: number,
    zeros: number,
    group: number,
    mask: number,
    codes: number,
    moves: number,
  ): void;
  addLaneDots(rows: number, lanes: number, a: number, b: number, sums: number): void;
  subtract(a: number, b: number, count: number): void;
}
