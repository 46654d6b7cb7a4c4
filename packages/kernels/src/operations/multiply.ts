import { checkMultiply } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { product } from '../wasm/product.ts';
import type { Operation } from './operation.ts';

/** `multiply` */
export const multiply: Operation<ParametersOf<'multiply'>> = {
  check: checkMultiply,
  units: ({ output }) => (output.data.length === 0 ? 0 : output.rows),
  granule: () => 16,
  schedule: 'static',
  work: ({ left, right }) => 2 * left.rows * left.columns * right.columns,
  writes: ({ output }) => [output.data],
  run(instance, { left, right, output, accumulate = false, negate }, from, to) {
    product(instance, {
      left: { data: left.data, along: 'rows', stride: left.columns },
      right: { data: right.data, along: 'columns', stride: right.columns },
      rows: [from, to],
      columns: [0, right.columns],
      depth: left.columns,
      output: { data: output.data, stride: output.columns },
      accumulate,
      negate,
    });
  },
};
