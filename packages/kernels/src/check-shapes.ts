/** Shapes of every operation's operands: each check throws a `RangeError` that names the operand, what it is and what it must be. */

export * from './check-shapes/check-activations.ts';
export * from './check-shapes/check-bytes.ts';
export * from './check-shapes/check-decoder.ts';
export { checkSquare } from './check-shapes/check-operand.ts';
export * from './check-shapes/check-products.ts';
export {
  checkDequantize,
  checkDescend,
  checkFitScales,
  checkQuantize,
  checkSweep,
} from './check-shapes/check-rounding.ts';
export * from './check-shapes/check-second-order.ts';
export type { ParametersOf } from './check-shapes/parameters-of.ts';
