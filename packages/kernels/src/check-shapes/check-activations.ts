import type { Matrix } from '../matrix.ts';
import { checkInt8, checkInteger, checkMatrix } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

export function checkFakeQuantize({ input, output, ...p }: ParametersOf<'fakeQuantize'>): void {
  checkRounding(input, p);
  checkMatrix('output', output, input.rows, input.columns);
}

export function checkQuantizeInt8({ input, output, ...p }: ParametersOf<'quantizeInt8'>): void {
  checkRounding(input, p);
  checkInt8('output', output, input.rows, input.columns);
}

function checkRounding(input: Matrix, { bits, scale }: { readonly bits: number; readonly scale: 'token' | number }) {
  checkMatrix('input', input);
  checkInteger('bits', bits, 2, 8);
  if (scale !== 'token' && !(Math.fround(scale) >= 2 ** -126 && Math.fround(scale) < Number.POSITIVE_INFINITY))
    throw new RangeError(`scale is ${scale} but must be "token" or a positive normal f32`);
}
