import { checkAdd } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.add} */
export const add: Operation<ParametersOf<'add'>> = {
  check: checkAdd,
  units: ({ source }) => source.data.length,
  granule: () => 1024,
  work: ({ source }) => source.data.length * ELEMENT_WORK,
  writes: ({ target }) => [target.data],
  run(instance, { source, target, factor = 1 }, from, to) {
    const size = windowUnits(to - from, 4);
    const terms = takeWindow(instance, size, 4);
    const sums = takeWindow(instance, size, 4);
    forEachWindow(from, to, 4, (first, count) => {
      const own = target.data.subarray(first, first + count);
      instance.write(terms, source.data.subarray(first, first + count));
      instance.write(sums, own);
      instance.wasm.addScaled(terms, sums, count, factor);
      instance.read(sums, own);
    });
  },
};
