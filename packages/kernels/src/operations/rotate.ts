import { checkRotate } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.rotate} */
export const rotate: Operation<ParametersOf<'rotate'>> = {
  check: checkRotate,
  units: ({ values, rotary }) => (rotary.dimensions === 0 ? 0 : values.rows),
  work: ({ values }) => values.data.length * ELEMENT_WORK,
  writes: ({ values }) => [values.data],
  run(instance, { values, heads, length, offset = 0, rotary }, from, to) {
    const n = values.columns;
    const half = rotary.dimensions / 2;
    const rowsAtOnce = windowUnits(to - from, n * 4);
    const window = takeWindow(instance, rowsAtOnce * n, 4);
    const cos = takeWindow(instance, rowsAtOnce * half, 4);
    const sin = takeWindow(instance, rowsAtOnce * half, 4);
    // Piece by piece of a sequence, in which positions follow each other.
    for (let start = from, end: number; start < to; start = end) {
      end = Math.min(to, (Math.floor(start / length) + 1) * length);
      forEachWindow(start, end, n * 4, (first, rows) => {
        const position = (first % length) + offset;
        const data = values.data.subarray(first * n, (first + rows) * n);
        instance.write(window, data);
        instance.write(cos, rotary.cos.data.subarray(position * half, (position + rows) * half));
        instance.write(sin, rotary.sin.data.subarray(position * half, (position + rows) * half));
        instance.wasm.rotateRows(window, rows, n * 4, heads, (n / heads) * 4, half, cos, sin);
        instance.read(window, data);
      });
    }
  },
};
