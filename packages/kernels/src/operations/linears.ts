import { checkLinears } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Instance } from '../wasm/instance.ts';
import { type Factor, pack, packedBytes } from '../wasm/pack.ts';
import { multiplyPacked, ROW_WINDOW } from '../wasm/product.ts';
import { stageRows, unstageRows } from '../wasm/stage.ts';
import { byOutputs } from './linear.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'linears'>;

/** Floats of all packed weights: 16 MiB. */
const WEIGHTS = 4 * 1024 * 1024;
/** Outputs of one Linear, whose tile is computed at once. */
const MOST_OUTPUTS = 4096;
/** Whether all weights fit the windows of a thread, and there are tokens enough to divide. */
export function dividesTokens({ input, linears }: Pick<Params, 'input' | 'linears'>): boolean {
  const floats = linears.reduce((sum, { weight }) => sum + weight.data.length, 0);
  return (
    floats <= WEIGHTS && linears.every(({ weight }) => weight.rows <= MOST_OUTPUTS && !byOutputs({ input, weight }))
  );
}

/** The packed weight of a Linear, and its bias. */
export interface Packed {
  readonly right: number;
  readonly bias: number | undefined;
}

/** `linears`, divided over tokens: a thread packs the weights once, and its tokens once for all of them. */
export const linears: Operation<Params, readonly Packed[]> = {
  check: checkLinears,
  units: ({ input, linears }) => (linears.every(({ weight }) => weight.rows === 0) ? 0 : input.rows),
  // A multiple of the tile heights 5 and 6.
  granule: () => 30,
  work: ({ input, linears }) =>
    linears.reduce((sum, { weight }) => sum + 2 * input.rows * weight.rows * input.columns, 0),
  writes: ({ linears }) => linears.map(({ output }) => output.data),
  prepare: (instance, { linears }) =>
    linears.map(({ weight, bias }) => {
      const { rows, columns } = weight;
      const tileColumns = instance.wasm.tileColumns();
      const right = instance.take(packedBytes(rows, columns, tileColumns));
      pack(instance, byRows(weight), { first: 0, count: rows, start: 0, depth: columns }, tileColumns, right);
      const address = bias && instance.take(rows * 4);
      if (bias && address !== undefined) instance.write(address, bias);
      return { right, bias: address };
    }),
  run(instance, p, from, to, packed) {
    const { input } = p;
    const depth = input.columns;
    const tileRows = instance.wasm.tileRows();
    const most = Math.min(ROW_WINDOW, to - from);
    const left = instance.take(packedBytes(most, depth, tileRows));
    const tile = instance.take(most * Math.max(...p.linears.map(({ weight }) => weight.rows)) * 4);
    for (let first = from; first < to; first += ROW_WINDOW) {
      const count = Math.min(ROW_WINDOW, to - first);
      pack(instance, byRows(input), { first, count, start: 0, depth }, tileRows, left);
      for (const [i, linear] of packed.entries())
        multiplyTokens(instance, p, i, { ...linear, left, tile, first, count });
    }
  },
};

const byRows = ({ data, columns }: { data: Float32Array; columns: number }): Factor => ({
  data,
  along: 'rows',
  stride: columns,
});

/** Tokens [first, first + count), packed at `left`, through Linear `i`. */
function multiplyTokens(
  instance: Instance,
  { input, linears, accumulate = false }: Params,
  i: number,
  at: Packed & { readonly left: number; readonly tile: number; readonly first: number; readonly count: number },
): void {
  const { weight, output } = linears[i];
  const { right, bias, left, tile, first, count } = at;
  const columns = weight.rows;
  const target = { data: output.data, stride: columns };
  if (accumulate) stageRows(instance, target, first, count, 0, columns, tile);
  else instance.clear(tile, count * columns * 4);
  if (bias !== undefined) instance.wasm.addRow(tile, columns * 4, count, columns, bias);
  const packed = { rows: count, columns };
  multiplyPacked(instance, { left, right, rows: count, columns, packed, depth: input.columns, tile });
  unstageRows(instance, target, first, count, 0, columns, tile);
}
