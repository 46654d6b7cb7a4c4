import { checkHadamard } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.hadamard}: a unit is one block of `size` neighbouring columns of one row. */
export const hadamard: Operation<ParametersOf<'hadamard'>> = {
  check: checkHadamard,
  units: ({ input, size }) => input.data.length / size,
  work: ({ input, size, factor }) => input.data.length * (ELEMENT_WORK + Math.log2(size) + (factor?.rows ?? 0)),
  writes: ({ output }) => [output.data],
  run(instance, { input, size, factor, output }, from, to) {
    const order = factor?.rows ?? 1;
    const signs = stage(instance, factor?.data ?? Float32Array.of(1));
    const scratch = takeWindow(instance, size, 4);
    const window = takeWindow(instance, windowUnits(to - from, size * 4) * size, 4);
    forEachWindow(from, to, size * 4, (first, blocks) => {
      instance.write(window, input.data.subarray(first * size, (first + blocks) * size));
      instance.wasm.hadamardRows(window, blocks, order, size / order, signs, 1 / Math.sqrt(size), scratch);
      instance.read(window, output.data.subarray(first * size, (first + blocks) * size));
    });
  },
};
