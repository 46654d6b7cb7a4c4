import { checkLinear } from '../check-shapes/check-products.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { product } from '../wasm/product.ts';
import { rowProducts } from '../wasm/row-product.ts';
import type { Operation } from './operation.ts';

type Params = ParametersOf<'linear'>;

/** So few tokens, as where a sequence goes on token by token, are not worth packed weights. */
const FEW_ROWS = 4;

/** Few tokens are divided over the outputs instead, so that one token still uses every thread. */
export const byOutputs = ({ input, weight }: Pick<Params, 'input' | 'weight'>) =>
  input.rows <= FEW_ROWS || input.rows < weight.rows / 4;

/** `linear` */
export const linear: Operation<Params> = {
  check: checkLinear,
  units: (p) => (p.output.data.length === 0 ? 0 : byOutputs(p) ? p.weight.rows : p.input.rows),
  granule: () => 16,
  schedule: 'static',
  work: ({ input, weight }) => 2 * input.rows * weight.rows * input.columns,
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const { input, weight, bias, output, accumulate = false } = p;
    if (input.rows <= FEW_ROWS) {
      rowProducts(instance, p, from, to);
      return;
    }
    product(instance, {
      left: { data: input.data, along: 'rows', stride: input.columns },
      right: { data: weight.data, along: 'rows', stride: weight.columns },
      rows: byOutputs(p) ? [0, input.rows] : [from, to],
      columns: byOutputs(p) ? [from, to] : [0, weight.rows],
      depth: input.columns,
      output: { data: output.data, stride: output.columns },
      accumulate,
      bias,
    });
  },
};
