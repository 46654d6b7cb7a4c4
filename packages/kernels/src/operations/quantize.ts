import { checkDequantize, checkQuantize } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { takeCodeWindows } from '../wasm/code-windows.ts';
import { ELEMENT_WORK, forEachWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.quantize} */
export const quantize: Operation<ParametersOf<'quantize'>> = {
  check: checkQuantize,
  units: ({ weight }) => (weight.columns === 0 ? 0 : weight.rows),
  work: ({ codes }) => codes.length * ELEMENT_WORK,
  writes: ({ codes }) => [codes],
  run(instance, { weight, grid, scales, codes }, from, to) {
    const n = weight.columns;
    const windows = takeCodeWindows(instance, { grid, scales }, { from, to, rows: windowUnits(to - from, n * 4) });
    forEachWindow(from, to, n * 4, (first, rows) => {
      windows.writeScales(scales, first, rows);
      instance.write(windows.values, weight.data.subarray(first * n, (first + rows) * n));
      windows.quantize(first, rows);
      instance.read(windows.codes, codes.subarray(first * n, (first + rows) * n));
    });
  },
};

/** {@link Kernels.dequantize} */
export const dequantize: Operation<ParametersOf<'dequantize'>> = {
  check: checkDequantize,
  units: ({ output }) => (output.columns === 0 ? 0 : output.rows),
  work: ({ codes }) => codes.length * ELEMENT_WORK,
  writes: ({ output }) => [output.data],
  run(instance, { codes, grid, scales, output }, from, to) {
    const n = output.columns;
    const windows = takeCodeWindows(instance, { grid, scales }, { from, to, rows: windowUnits(to - from, n * 4) });
    forEachWindow(from, to, n * 4, (first, rows) => {
      windows.writeScales(scales, first, rows);
      instance.write(windows.codes, codes.subarray(first * n, (first + rows) * n));
      windows.dequantize(first, rows);
      instance.read(windows.values, output.data.subarray(first * n, (first + rows) * n));
    });
  },
};
