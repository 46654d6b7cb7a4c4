import { checkInt8, checkInteger, checkLength, checkMatrix } from './check-operand.ts';
import type { ParametersOf } from './parameters-of.ts';

export function checkLinear({ input, weight, bias, output }: ParametersOf<'linear'>): void {
  checkMatrix('input', input);
  checkMatrix('weight', weight, weight.rows, input.columns);
  checkLength('bias', bias, weight.rows);
  checkMatrix('output', output, input.rows, weight.rows);
}

export function checkLinears({ input, linears }: ParametersOf<'linears'>): void {
  for (const [i, { weight, bias, output }] of linears.entries()) {
    checkMatrix('input', input);
    checkMatrix(`linears[${i}].weight`, weight, weight.rows, input.columns);
    checkLength(`linears[${i}].bias`, bias, weight.rows);
    checkMatrix(`linears[${i}].output`, output, input.rows, weight.rows);
  }
}

/** (-128)^2 times more than this can exceed an i32. */
const MOST_INTEGER_COLUMNS = 2 ** 17 - 1;

export function checkLinearInt8({ input, weight, bias, output }: ParametersOf<'linearInt8'>): void {
  checkInteger('input.columns', input.columns, 0, MOST_INTEGER_COLUMNS);
  checkInt8('input', input, input.rows, input.columns);
  checkInt8('weight', weight, weight.rows, input.columns);
  checkLength('bias', bias, weight.rows);
  checkMatrix('output', output, input.rows, weight.rows);
}

export function checkMultiply({ left, right, output }: ParametersOf<'multiply'>): void {
  checkMatrix('left', left);
  checkMatrix('right', right, left.columns, right.columns);
  checkMatrix('output', output, left.rows, right.columns);
}
