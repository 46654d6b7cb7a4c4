import { checkLogSoftmaxPick } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, takeWindow } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.logSoftmaxPick}, into `result` [T]. */
export const logSoftmaxPick: Operation<ParametersOf<'logSoftmaxPick'> & { readonly result: Float64Array }> = {
  check: checkLogSoftmaxPick,
  units: ({ logits }) => logits.rows,
  work: ({ logits }) => logits.data.length * ELEMENT_WORK,
  writes: ({ result }) => [result],
  run(instance, { logits, picked, result }, from, to) {
    const n = logits.columns;
    const window = takeWindow(instance, n, 4);
    for (let t = from; t < to; t++) {
      instance.write(window, logits.data.subarray(t * n, (t + 1) * n));
      const largest = instance.wasm.largestOf(window, n);
      const sum = instance.wasm.sumOfExponentials(window, n, largest);
      result[t] = logits.data[t * n + picked[t]] - largest - Math.log(sum);
    }
  },
};
