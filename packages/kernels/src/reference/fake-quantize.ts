import { checkFakeQuantize, checkQuantizeInt8 } from '../check-shapes/check-activations.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { Matrix } from '../matrix.ts';
import { roundHalfEven } from './nearest-code.ts';

/** What rounds one row: its scale, and the code of a value as a float. */
interface RowRounding {
  readonly scale: number;
  code(x: number): number;
}

/** {@link Kernels.fakeQuantize}, every operation rounded to f32. */
export function fakeQuantize(p: ParametersOf<'fakeQuantize'>): void {
  checkFakeQuantize(p);
  eachRow(p, (start, row, { scale, code }) => {
    for (const [c, x] of row.entries()) p.output.data[start + c] = code(x) * scale;
  });
}

/** {@link Kernels.quantizeInt8} */
export function quantizeInt8(p: ParametersOf<'quantizeInt8'>): void {
  checkQuantizeInt8(p);
  eachRow(p, (start, row, { scale, code }) => {
    for (const [c, x] of row.entries()) p.output.codes[start + c] = code(x);
    p.output.scales[start / p.input.columns] = scale;
  });
}

function eachRow(
  p: { readonly input: Matrix; readonly bits: number; readonly scale: 'token' | number },
  visit: (start: number, row: Float32Array, rounding: RowRounding) => void,
): void {
  const { data, columns } = p.input;
  const limit = 2 ** (p.bits - 1) - 1;
  for (let start = 0; start < data.length; start += columns) {
    const row = data.subarray(start, start + columns);
    const absmax = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const scale = p.scale === 'token' ? Math.max(Math.fround(absmax / limit), 2 ** -126) : Math.fround(p.scale);
    const code = (x: number) => Math.max(Math.min(roundHalfEven(Math.fround(x / scale)) + 0, limit), -limit);
    visit(start, row, { scale, code });
  }
}
