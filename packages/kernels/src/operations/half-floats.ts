import { checkDecode, checkEncode } from '../check-shapes/check-bytes.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.decode} */
export const decode: Operation<ParametersOf<'decode'>> = {
  check: checkDecode,
  units: ({ output }) => output.length,
  granule: () => 1024,
  work: ({ output }) => output.length * ELEMENT_WORK,
  writes: ({ output }) => [output],
  run(instance, { bytes, type, output }, from, to) {
    const size = windowUnits(to - from, 4);
    const halves = takeWindow(instance, size, 2);
    const floats = takeWindow(instance, size, 4);
    forEachWindow(from, to, 4, (first, count) => {
      instance.write(halves, bytes.subarray(2 * first, 2 * (first + count)));
      instance.wasm[type === 'f16' ? 'decodeF16' : 'decodeBf16'](halves, count, floats);
      instance.read(floats, output.subarray(first, first + count));
    });
  },
};

/** {@link Kernels.encode} */
export const encode: Operation<ParametersOf<'encode'>> = {
  check: checkEncode,
  units: ({ values }) => values.length,
  granule: () => 1024,
  work: ({ values }) => values.length * ELEMENT_WORK,
  writes: ({ output }) => [output],
  run(instance, { values, type, output }, from, to) {
    const size = windowUnits(to - from, 4);
    const floats = takeWindow(instance, size, 4);
    const halves = takeWindow(instance, size, 2);
    forEachWindow(from, to, 4, (first, count) => {
      instance.write(floats, values.subarray(first, first + count));
      instance.wasm[type === 'f16' ? 'encodeF16' : 'encodeBf16'](floats, count, halves);
      instance.read(halves, output.subarray(2 * first, 2 * (first + count)));
    });
  },
};
