import { checkFakeQuantize, checkQuantizeInt8 } from '../check-shapes/check-activations.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

type FakeQuantize = ParametersOf<'fakeQuantize'>;
type QuantizeInt8 = ParametersOf<'quantizeInt8'>;

const byRows = {
  units: ({ input }: FakeQuantize | QuantizeInt8) => (input.columns === 0 ? 0 : input.rows),
  work: ({ input }: FakeQuantize | QuantizeInt8) => input.data.length * ELEMENT_WORK,
};

/** The largest code, and the scale as the compiled functions take it. */
function rounding({ bits, scale }: FakeQuantize | QuantizeInt8): readonly [number, number] {
  return [2 ** (bits - 1) - 1, scale === 'token' ? 0 : scale];
}

/** {@link Kernels.fakeQuantize} */
export const fakeQuantize: Operation<FakeQuantize> = {
  ...byRows,
  check: checkFakeQuantize,
  writes: ({ output }) => [output.data],
  run(instance, p, from, to) {
    const n = p.input.columns;
    const window = takeWindow(instance, windowUnits(to - from, n * 4) * n, 4);
    forEachWindow(from, to, n * 4, (first, rows) => {
      instance.write(window, p.input.data.subarray(first * n, (first + rows) * n));
      instance.wasm.fakeQuantizeRows(window, rows, n, ...rounding(p));
      instance.read(window, p.output.data.subarray(first * n, (first + rows) * n));
    });
  },
};

/** {@link Kernels.quantizeInt8} */
export const quantizeInt8: Operation<QuantizeInt8> = {
  ...byRows,
  check: checkQuantizeInt8,
  writes: ({ output }) => [output.codes, output.scales],
  run(instance, p, from, to) {
    const n = p.input.columns;
    const most = windowUnits(to - from, n * 4);
    const window = takeWindow(instance, most * n, 4);
    const codes = takeWindow(instance, most * n, 1);
    const scales = takeWindow(instance, most, 4);
    forEachWindow(from, to, n * 4, (first, rows) => {
      instance.write(window, p.input.data.subarray(first * n, (first + rows) * n));
      instance.wasm.encodeInt8Rows(window, rows, n, ...rounding(p), codes, scales);
      instance.read(codes, p.output.codes.subarray(first * n, (first + rows) * n));
      instance.read(scales, p.output.scales.subarray(first, first + rows));
    });
  },
};
