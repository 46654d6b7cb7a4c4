import { checkDequantize, checkQuantize, type ParametersOf } from '../check-shapes.ts';
import { gridRounding } from './nearest-code.ts';

/** Nearest codes of `weight` on the grid. */
export function quantize(p: ParametersOf<'quantize'>): void {
  checkQuantize(p);
  const { weight, scales, codes } = p;
  const rounding = gridRounding(p.grid);
  for (let i = 0; i < codes.length; i++) {
    const at = Math.floor(i / weight.columns) * scales.groups + scales.group[i % weight.columns];
    codes[i] = rounding.code(weight.data[i], scales.scales[at], scales.zeros[at]);
  }
}

/** The values of `codes`. */
export function dequantize(p: ParametersOf<'dequantize'>): void {
  checkDequantize(p);
  const { codes, scales, output } = p;
  const rounding = gridRounding(p.grid);
  for (let i = 0; i < codes.length; i++) {
    const at = Math.floor(i / output.columns) * scales.groups + scales.group[i % output.columns];
    output.data[i] = rounding.value(codes[i], scales.scales[at], scales.zeros[at]);
  }
}
