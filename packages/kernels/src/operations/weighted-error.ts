import { checkWeightedError } from '../check-shapes/check-second-order.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { stageGradient } from '../wasm/gradient.ts';
import { laneCount, laneWindows, STRIP } from '../wasm/lanes.ts';
import type { Operation } from './operation.ts';

/** `weightedError`: the product with H in f32, the sum with the differences in f64. */
export const weightedError: Operation<ParametersOf<'weightedError'> & { readonly errors: Float64Array }> = {
  check: checkWeightedError,
  units: ({ left }) => (left.columns === 0 ? 0 : left.rows),
  granule: () => STRIP,
  schedule: 'static',
  work: ({ left }) => 2 * left.rows * left.columns ** 2,
  writes: ({ errors }) => [errors],
  run(instance, p, from, to) {
    const columns = p.left.columns;
    for (const window of laneWindows(from, to, laneCount(columns, 3))) {
      const mark = instance.mark();
      const difference = instance.take(columns * window.lanes * 4);
      const gradient = instance.take(columns * window.lanes * 4);
      const sums = instance.take(window.lanes * 8);
      stageGradient(instance, p, window, difference, gradient);
      instance.clear(sums, window.lanes * 8);
      instance.wasm.addLaneDots(columns, window.lanes, difference, gradient, sums);
      instance.read(sums, p.errors.subarray(window.row, window.row + window.rows));
      instance.release(mark);
    }
  },
};
