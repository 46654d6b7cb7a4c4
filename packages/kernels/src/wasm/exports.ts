/** The functions of the compiled module. Addresses and strides are bytes, everything else counts elements; see `assembly/`. */
export interface Exports {
  /** The first address that the module itself does not use. */
  heapBase(): number;

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
}
