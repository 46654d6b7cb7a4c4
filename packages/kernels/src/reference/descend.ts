import { checkDescend } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { gridRounding } from './nearest-code.ts';

/**
 * One pass of cyclic coordinate descent (as CDQuant, Nair and Suggala, 2024): column c of a row moves to the code nearest to the
 * minimum of the row's loss along c, q_c - G_c / H_cc with G = (Q - W) H, when the loss falls by it.
 */
export function descend(p: ParametersOf<'descend'>): void {
  checkDescend(p);
  const { weight, hessian, scales, quantized, codes, mask } = p;
  const { rows, columns: n } = weight;
  const gradient = new Float64Array(n);
  for (let r = 0; r < rows; r++) {
    const start = r * n;
    const rounding = gridRounding(p.grid, r);
    gradient.fill(0);
    for (let k = 0; k < n; k++) {
      const error = quantized.data[start + k] - weight.data[start + k];
      if (error !== 0) for (let j = 0; j < n; j++) gradient[j] += error * hessian.data[k * n + j];
    }
    for (let c = 0; c < n; c++) {
      const curvature = hessian.data[c * n + c];
      if (!(curvature > 0) || (mask && mask[start + c] !== 0)) continue;
      const at = r * scales.groups + scales.group[c];
      const scale = scales.scales[at];
      const zero = scales.zeros[at];
      const code = rounding.code(Math.fround(quantized.data[start + c] - gradient[c] / curvature), scale, zero);
      const q = rounding.value(code, scale, zero);
      const step = q - quantized.data[start + c];
      if (!(step * (2 * gradient[c] + step * curvature) < 0)) continue;
      quantized.data[start + c] = q;
      codes[start + c] = code;
      for (let j = 0; j < n; j++) gradient[j] += step * hessian.data[c * n + j];
    }
  }
}
