import { checkScaleColumns } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.scaleColumns} */
export const scaleColumns: Operation<ParametersOf<'scaleColumns'>> = {
  check: checkScaleColumns,
  units: ({ input }) => (input.columns === 0 ? 0 : input.rows),
  work: ({ input }) => input.data.length * ELEMENT_WORK,
  writes: ({ output }) => [output.data],
  run(instance, { input, factors, output }, from, to) {
    const n = input.columns;
    const staged = stage(instance, factors);
    const values = takeWindow(instance, windowUnits(to - from, n * 4) * n, 4);
    forEachWindow(from, to, n * 4, (first, rows) => {
      instance.write(values, input.data.subarray(first * n, (first + rows) * n));
      instance.wasm.multiplyColumns(values, rows, n, staged);
      instance.read(values, output.data.subarray(first * n, (first + rows) * n));
    });
  },
};
