import { checkActivate } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

const FUNCTIONS = { relu: 'relu', silu: 'silu', gelu: 'gelu', 'gelu-tanh': 'geluTanh' } as const;

/** {@link Kernels.activate} */
export const activate: Operation<ParametersOf<'activate'>> = {
  check: checkActivate,
  units: ({ gate }) => gate.data.length,
  granule: () => 1024,
  work: ({ gate }) => gate.data.length * ELEMENT_WORK,
  writes: ({ output }) => [output.data],
  run(instance, { gate, up, activation, output }, from, to) {
    const size = windowUnits(to - from, 4);
    const window = takeWindow(instance, size, 4);
    const factors = takeWindow(instance, size, 4);
    forEachWindow(from, to, 4, (first, count) => {
      instance.write(window, gate.data.subarray(first, first + count));
      instance.wasm[FUNCTIONS[activation]](window, count);
      if (up) {
        instance.write(factors, up.data.subarray(first, first + count));
        instance.wasm.multiplyElements(factors, window, count);
      }
      instance.read(window, output.data.subarray(first, first + count));
    });
  },
};
