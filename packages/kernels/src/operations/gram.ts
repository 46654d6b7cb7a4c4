import { checkGram, type ParametersOf } from '../check-shapes.ts';
import type { Instance } from '../wasm/instance.ts';
import { product } from '../wasm/product.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'gram'>;

/** `gram`. Unit u is row u and row K - 1 - u of the triangle, K + 1 elements together: every unit is the same work. */
export const gram: Operation<Params> = {
  check: checkGram,
  units: ({ input }) => (input.rows === 0 ? 0 : Math.ceil(input.columns / 2)),
  granule: () => 30,
  work: ({ input }) => input.rows * input.columns * input.columns,
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const size = p.input.columns;
    addRows(instance, p, from, to);
    addRows(instance, p, Math.max(to, size - to), size - from);
  },
};

function addRows(instance: Instance, { input, output }: Params, from: number, to: number): void {
  if (from >= to) return;
  const columns = { data: input.data, along: 'columns', stride: input.columns } as const;
  product(instance, {
    left: columns,
    right: columns,
    rows: [from, to],
    columns: [0, to],
    depth: input.rows,
    output: { data: output.data, stride: output.columns },
    accumulate: true,
    lower: true,
  });
}
