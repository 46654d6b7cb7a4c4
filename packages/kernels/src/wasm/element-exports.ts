/** The compiled functions of forward passes and grids; see `assembly/` for what each does. Addresses and strides are bytes. */
export interface ElementExports {
  rmsNorm(x: number, rows: number, columns: number, gain: number, epsilon: number): void;
  layerNorm(x: number, rows: number, columns: number, gain: number, bias: number, epsilon: number): void;
  rotateRows(
    values: number,
    rows: number,
    rowStride: number,
    heads: number,
    headStride: number,
    half: number,
    cos: number,
    sin: number,
  ): void;
  hadamardRows(
    x: number,
    rows: number,
    order: number,
    size: number,
    factor: number,
    scale: number,
    scratch: number,
  ): void;
  attentionScratch(dimension: number): number;
  attendHead(
    queries: number,
    queryStride: number,
    keys: number,
    values: number,
    keyStride: number,
    agedKeys: number,
    agedValues: number,
    keyCounts: number,
    valueCounts: number,
    length: number,
    offset: number,
    dimension: number,
    scale: number,
    window: number,
    output: number,
    outputStride: number,
    scratch: number,
  ): void;

  fakeQuantizeRows(x: number, rows: number, columns: number, limit: number, scale: number): void;
  encodeInt8Rows(
    x: number,
    rows: number,
    columns: number,
    limit: number,
    scale: number,
    codes: number,
    scales: number,
  ): void;
  relu(x: number, count: number): void;
  silu(x: number, count: number): void;
  gelu(x: number, count: number): void;
  geluTanh(x: number, count: number): void;
  addScaled(source: number, target: number, count: number, factor: number): void;
  multiplyElements(source: number, target: number, count: number): void;
  multiplyColumns(x: number, rows: number, columns: number, factors: number): void;
  divideColumns(x: number, rows: number, columns: number, divisors: number): void;
  largestOf(row: number, count: number): number;
  sumOfExponentials(row: number, count: number, largest: number): number;

  decodeF16(source: number, count: number, target: number): void;
  decodeBf16(source: number, count: number, target: number): void;
  encodeF16(source: number, count: number, target: number): void;
  encodeBf16(source: number, count: number, target: number): void;
  packCodes(codes: number, rows: number, columns: number, bits: number, target: number, rowBytes: number): void;
  unpackCodes(source: number, rows: number, columns: number, bits: number, codes: number, rowBytes: number): void;

  quantizeRows(
    weight: number,
    rows: number,
    columns: number,
    runs: number,
    runCount: number,
    scales: number,
    zeros: number,
    groups: number,
    maxCode: number,
    thresholds: number,
    levelCount: number,
    tableBytes: number,
    codes: number,
  ): void;
  dequantizeRows(
    codes: number,
    rows: number,
    columns: number,
    runs: number,
    runCount: number,
    scales: number,
    zeros: number,
    groups: number,
    levels: number,
    levelCount: number,
    tableBytes: number,
    output: number,
  ): void;
  setInteger(maxCode: number, symmetric: boolean): void;
  setTable(levels: number, thresholds: number, count: number, reach: number, ownTables: boolean): void;
  setSearch(factors: number, steps: number, scaleType: number, scaleUnit: number): void;
  fitRows(
    weight: number,
    rows: number,
    columns: number,
    groups: number,
    starts: number,
    order: number,
    importance: number,
    scratch: number,
    scales: number,
    zeros: number,
  ): void;
}
