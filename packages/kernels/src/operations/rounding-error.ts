import { checkRoundingError } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { takeCodeWindows } from '../wasm/code-windows.ts';
import { laneCount, laneWindows, MAX_LANES, STRIP } from '../wasm/lanes.ts';
import { addQuadraticForms } from '../wasm/quadratic-form.ts';
import { ELEMENT_WORK, forEachWindow, stage, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** `roundingError`: codes, values and differences stay in the instance's memory. `errors` is `[R, parts]`. */
export const roundingError: Operation<ParametersOf<'roundingError'> & { readonly errors: Float64Array }> = {
  check: checkRoundingError,
  units: ({ weight }) => (weight.columns === 0 ? 0 : weight.rows),
  granule: () => STRIP,
  schedule: 'static',
  work: ({ weight, parts = 1 }) => weight.data.length * (ELEMENT_WORK + weight.columns / parts),
  writes: ({ errors }) => [errors],
  run(instance, p, from, to) {
    const { weight, rounded, divisors, hessian, parts = 1, errors } = p;
    const n = weight.columns;
    const size = n / parts;
    const own = new Float64Array(MAX_LANES);
    const most = windowUnits(to - from, n * 4);
    const windows = takeCodeWindows(instance, p, { from, to, rows: most });
    const original = takeWindow(instance, most * n, 4);
    const divisor = divisors && stage(instance, divisors);
    const rowsOf = (data: Float32Array, first: number, rows: number) => data.subarray(first * n, (first + rows) * n);
    for (const { row, rows: held, lanes } of laneWindows(from, to, laneCount(n, 3))) {
      const mark = instance.mark();
      const difference = instance.take(n * lanes * 4);
      const sums = instance.take(lanes * 8);
      forEachWindow(row, row + held, n * 4, (first, rows) => {
        instance.write(windows.values, rowsOf(rounded.data, first, rows));
        windows.writeScales(p.scales, first, rows);
        windows.quantize(first, rows);
        windows.writeScales(p.stored, first, rows);
        windows.dequantize(first, rows);
        if (divisor !== undefined) instance.wasm.divideColumns(windows.values, rows, n, divisor);
        instance.write(original, rowsOf(weight.data, first, rows));
        instance.wasm.subtract(original, windows.values, rows * n);
        instance.wasm.transpose(original, n * 4, rows, n, difference + (first - row) * 4, lanes * 4);
      });
      for (let part = 0; part < parts; part++) {
        instance.clear(sums, lanes * 8);
        const first = part * size;
        addQuadraticForms(instance, { hessian, first, size, vectors: difference + first * lanes * 4, lanes, sums });
        instance.read(sums, own.subarray(0, held));
        for (let i = 0; i < held; i++) errors[(row + i) * parts + part] = own[i];
      }
      instance.release(mark);
    }
  },
};
