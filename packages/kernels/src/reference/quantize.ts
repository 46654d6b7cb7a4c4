import { checkDequantize, checkQuantize } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { gridRounding } from './nearest-code.ts';

/** Nearest codes of `weight` on the grid. */
export function quantize(p: ParametersOf<'quantize'>): void {
  checkQuantize(p);
  const { weight, scales, codes } = p;
  const { rows, columns: n } = weight;
  for (let r = 0; r < rows; r++) {
    const rounding = gridRounding(p.grid, r);
    for (let c = 0; c < n; c++) {
      const at = r * scales.groups + scales.group[c];
      codes[r * n + c] = rounding.code(weight.data[r * n + c], scales.scales[at], scales.zeros[at]);
    }
  }
}

/** The values of `codes`. */
export function dequantize(p: ParametersOf<'dequantize'>): void {
  checkDequantize(p);
  const { codes, scales, output } = p;
  const { rows, columns: n } = output;
  for (let r = 0; r < rows; r++) {
    const rounding = gridRounding(p.grid, r);
    for (let c = 0; c < n; c++) {
      const at = r * scales.groups + scales.group[c];
      output.data[r * n + c] = rounding.value(codes[r * n + c], scales.scales[at], scales.zeros[at]);
    }
  }
}
