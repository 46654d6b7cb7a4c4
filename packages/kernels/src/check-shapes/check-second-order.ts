import { checkMatrix, checkSquare } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

export function checkGram({ input, output }: ParametersOf<'gram'>): void {
  checkMatrix('input', input);
  checkMatrix('output', output, input.columns, input.columns);
}

export function checkInverseFactor({ hessian, output }: ParametersOf<'inverseFactor'>): void {
  checkSquare('hessian', hessian);
  checkMatrix('output', output, hessian.rows, hessian.rows);
}

export function checkWeightedError({ left, right, hessian }: ParametersOf<'weightedError'>): void {
  checkMatrix('left', left);
  checkMatrix('right', right, left.rows, left.columns);
  checkMatrix('hessian', hessian, left.columns, left.columns);
}
