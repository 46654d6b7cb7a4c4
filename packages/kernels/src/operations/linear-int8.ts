import { checkLinearInt8 } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Int8Rows } from '../int8-rows.ts';
import type { Instance } from '../wasm/instance.ts';
import { DEPTH_BLOCK, packedBlock, packedBytes } from '../wasm/pack.ts';
import { unstageRows } from '../wasm/stage.ts';
import { stage } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'linearInt8'>;

/** Pairs of codes that one packed factor holds at once: 16 MiB of weights, and 4 MiB of tokens. */
const WEIGHT_WINDOW = 4 * 1024 * 1024;
const INPUT_WINDOW = 1024 * 1024;
/** A multiple of the tile heights 5 and 6, as in `product`. */
const ROW_WINDOW = 240;
const MAX_COLUMNS = 4096;
/** Pairs widened at once: 1 MiB stays in a second-level cache. */
const STAGE = 262144;

/** Few tokens are divided over the outputs instead, so that one token still uses every thread. */
const byOutputs = ({ input, weight }: Params) => input.rows < weight.rows / 4;

/** `linearInt8`: tiles of i32 as `linear` has them of f32, on pairs of neighbouring codes. */
export const linearInt8: Operation<Params> = {
  check: checkLinearInt8,
  units: (p) => (p.output.data.length === 0 ? 0 : byOutputs(p) ? p.weight.rows : p.input.rows),
  granule: () => 16,
  schedule: 'static',
  work: ({ input, weight }) => 2 * input.rows * weight.rows * input.columns,
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const { input, weight } = p;
    const [firstRow, endRow] = byOutputs(p) ? [0, input.rows] : [from, to];
    const [firstColumn, endColumn] = byOutputs(p) ? [from, to] : [0, weight.rows];
    const columnStep = Math.min(MAX_COLUMNS, fitting(WEIGHT_WINDOW, input.columns, instance.wasm.tileColumns()));
    for (let column = firstColumn; column < endColumn; column += columnStep) {
      const mark = instance.mark();
      multiplyRows(instance, p, firstRow, endRow, column, Math.min(columnStep, endColumn - column));
      instance.release(mark);
    }
  },
};

/** Whole panels of `width` rows that a window of pairs has room for, at least one. */
function fitting(window: number, columns: number, width: number): number {
  return Math.max(1, Math.floor(window / Math.max(1, pairsOf(columns)) / width)) * width;
}

const pairsOf = (columns: number) => Math.ceil(columns / 2);

function multiplyRows(
  instance: Instance,
  { input, weight, bias, output }: Params,
  firstRow: number,
  endRow: number,
  column: number,
  columns: number,
): void {
  const { wasm } = instance;
  const [tileRows, tileColumns] = [wasm.tileRows(), wasm.tileColumns()];
  const pairs = pairsOf(input.columns);
  const right = instance.take(packedBytes(columns, pairs, tileColumns));
  packInt8(instance, weight, column, columns, tileColumns, right);
  const columnScales = stage(instance, weight.scales.subarray(column, column + columns));
  const biases = stage(instance, bias ? bias.subarray(column, column + columns) : new Float32Array(columns));
  const step = Math.min(ROW_WINDOW, fitting(INPUT_WINDOW, input.columns, tileRows));
  const most = Math.min(step, endRow - firstRow);
  const left = instance.take(packedBytes(most, pairs, tileRows));
  const tile = instance.take(most * columns * 4);
  for (let row = firstRow; row < endRow; row += step) {
    const rows = Math.min(step, endRow - row);
    const mark = instance.mark();
    packInt8(instance, input, row, rows, tileRows, left);
    instance.clear(tile, rows * columns * 4);
    for (let block = 0; block * DEPTH_BLOCK < pairs; block++) {
      const a = packedBlock(left, rows, pairs, tileRows, block);
      const b = packedBlock(right, columns, pairs, tileColumns, block);
      wasm.multiplyIntegerPanels(
        rows,
        columns,
        a.depth,
        a.address,
        a.panelStride,
        b.address,
        b.panelStride,
        tile,
        columns * 4,
      );
    }
    const rowScales = stage(instance, input.scales.subarray(row, row + rows));
    wasm.scaleIntegers(tile, rows, columns, rowScales, columnScales, biases);
    unstageRows(instance, { data: output.data, stride: output.columns }, row, rows, column, columns, tile);
    instance.release(mark);
  }
}

/** Widens rows [first, first + count) and packs them at `address` as panels of `width`, k-block by k-block. */
function packInt8(
  instance: Instance,
  { codes, columns }: Int8Rows,
  first: number,
  count: number,
  width: number,
  address: number,
): void {
  const pairs = pairsOf(columns);
  if (pairs === 0) return;
  const mark = instance.mark();
  const batch = Math.max(1, Math.floor(STAGE / (width * pairs))) * width;
  const bytes = instance.take(Math.min(batch, count) * columns);
  const widened = instance.take(Math.min(batch, count) * pairs * 4);
  for (let p = 0; p < count; p += batch) {
    const rows = Math.min(batch, count - p);
    instance.write(bytes, codes.subarray((first + p) * columns, (first + p + rows) * columns));
    instance.wasm.widenRows(bytes, rows, columns, widened, pairs);
    for (let block = 0; block * DEPTH_BLOCK < pairs; block++) {
      const target = packedBlock(address, count, pairs, width, block);
      instance.wasm.packRows(
        widened + block * DEPTH_BLOCK * 4,
        pairs * 4,
        rows,
        target.depth,
        width,
        target.address + (p / width) * target.panelStride,
        target.panelStride,
        0,
      );
    }
  }
  instance.release(mark);
}
