import { checkGram } from '../check-shapes/check-second-order.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Instance } from '../wasm/instance.ts';
import { DEPTH_BLOCK, packedBytes, packTogether } from '../wasm/pack.ts';
import { multiplyPacked, type Range, ROW_WINDOW } from '../wasm/product.ts';
import { stageRows, unstageRows } from '../wasm/stage.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'gram'>;

/** Floats of packed input: 16 MiB. The deeper it is, the fewer times the output passes through. */
const WINDOW = 4 * 1024 * 1024;

/** `gram`. Unit u is row u and row K - 1 - u of the triangle, K + 1 elements together: every unit is the same work. */
export const gram: Operation<Params> = {
  check: checkGram,
  units: ({ input }) => (input.rows === 0 ? 0 : Math.ceil(input.columns / 2)),
  // A multiple of the tile heights 5 and 6.
  granule: () => 30,
  schedule: 'static',
  work: ({ input }) => input.rows * input.columns * input.columns,
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const size = p.input.columns;
    // The middle row of an odd size belongs to one unit alone.
    const ranges: Range[] = [
      [from, to],
      [Math.max(to, size - to), size - from],
    ];
    const step = Math.max(1, Math.floor(WINDOW / size / DEPTH_BLOCK)) * DEPTH_BLOCK;
    for (let start = 0; start < p.input.rows; start += step) {
      const mark = instance.mark();
      addTokens(instance, p, ranges, start, Math.min(step, p.input.rows - start));
      instance.release(mark);
    }
  },
};

/** Adds the products of `depth` tokens: both factors are packed from one staging of them. */
function addTokens(
  instance: Instance,
  { input, output }: Params,
  ranges: readonly Range[],
  start: number,
  depth: number,
): void {
  const { wasm } = instance;
  const tileRows = wasm.tileRows();
  const columns = Math.max(...ranges.map(([, end]) => end));
  const right = instance.take(packedBytes(columns, depth, wasm.tileColumns()));
  const lefts = ranges.map(([first, end]) => {
    const count = Math.max(0, end - first);
    return { first, count, width: tileRows, address: instance.take(packedBytes(count, depth, tileRows)) };
  });
  packTogether(
    instance,
    { data: input.data, along: 'columns', stride: input.columns },
    { first: 0, count: columns, start, depth },
    [{ first: 0, count: columns, width: wasm.tileColumns(), address: right }, ...lefts],
  );
  const tile = instance.take(ROW_WINDOW * columns * 4);
  const target = { data: output.data, stride: output.columns };
  for (const left of lefts) {
    for (let skip = 0; skip < left.count; skip += ROW_WINDOW) {
      const rows = Math.min(ROW_WINDOW, left.count - skip);
      const row = left.first + skip;
      const width = row + rows;
      stageRows(instance, target, row, rows, 0, width, tile);
      multiplyPacked(instance, {
        left: left.address,
        right,
        rows,
        columns: width,
        skip,
        packed: { rows: left.count, columns },
        depth,
        tile,
        shift: row,
      });
      unstageRows(instance, target, row, rows, 0, width, tile);
    }
  }
}
