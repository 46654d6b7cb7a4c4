import { checkPacking, packedRowBytes } from '../check-shapes/check-bytes.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { ELEMENT_WORK, forEachWindow, takeWindow, windowUnits } from '../wasm/windows.ts';
import type { Operation } from './operation.ts';

/** {@link Kernels.pack} */
export const packCodes: Operation<ParametersOf<'pack'>> = {
  check: ({ codes, rows, columns, bits, output }) => checkPacking(codes, output, 'output', rows, columns, bits),
  units: ({ rows, columns }) => (columns === 0 ? 0 : rows),
  work: ({ codes }) => (codes.length * ELEMENT_WORK) / 4,
  writes: ({ output }) => [output],
  run(instance, { codes, columns, bits, output }, from, to) {
    const rowBytes = packedRowBytes(columns, bits);
    const most = windowUnits(to - from, columns);
    const unpacked = takeWindow(instance, most * columns, 1);
    const packed = takeWindow(instance, most * rowBytes, 1);
    forEachWindow(from, to, columns, (first, rows) => {
      instance.write(unpacked, codes.subarray(first * columns, (first + rows) * columns));
      instance.clear(packed, rows * rowBytes);
      instance.wasm.packCodes(unpacked, rows, columns, bits, packed, rowBytes);
      instance.read(packed, output.subarray(first * rowBytes, (first + rows) * rowBytes));
    });
  },
};

/** {@link Kernels.unpack} */
export const unpackCodes: Operation<ParametersOf<'unpack'>> = {
  check: ({ codes, rows, columns, bits, bytes }) => checkPacking(codes, bytes, 'bytes', rows, columns, bits),
  units: ({ rows, columns }) => (columns === 0 ? 0 : rows),
  work: ({ codes }) => (codes.length * ELEMENT_WORK) / 4,
  writes: ({ codes }) => [codes],
  run(instance, { bytes, columns, bits, codes }, from, to) {
    const rowBytes = packedRowBytes(columns, bits);
    const most = windowUnits(to - from, columns);
    const unpacked = takeWindow(instance, most * columns, 1);
    const packed = takeWindow(instance, most * rowBytes, 1);
    forEachWindow(from, to, columns, (first, rows) => {
      instance.write(packed, bytes.subarray(first * rowBytes, (first + rows) * rowBytes));
      instance.wasm.unpackCodes(packed, rows, columns, bits, unpacked, rowBytes);
      instance.read(unpacked, codes.subarray(first * columns, (first + rows) * columns));
    });
  },
};
